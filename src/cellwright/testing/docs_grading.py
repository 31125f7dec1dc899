"""What the JSON of the verbs of grading means, for the reference page of the command line."""

from typing import Any

from cellwright.analysis.grading.gauge import GaugeStudy as GaugeRepeated
from cellwright.analysis.grading.gauge import Variance
from cellwright.cli.corrections import CorrectionsReport
from cellwright.cli.pairs import PairsReport
from cellwright.model.corrections import GaugeEffect, Window
from cellwright.views.gauges import GaugeStudy
from cellwright.views.pairs import ImpossiblePair, PairsFound
from cellwright.views.warming import WarmingStudy

MEANINGS: dict[type[Any], dict[str, str]] = {
    CorrectionsReport: {
        "station": "Code of the station.",
        "studies": "One for each characteristic that is corrected by gauges.",
        "released": "Those that were put in force now.",
        "warming": "One for each operation that measures self-discharge: what warmth does to the open-circuit voltage.",
    },
    GaugeStudy: {
        "station": "Code of the station.",
        "operation": "Operation that measures it.",
        "characteristic": "What was measured.",
        "window": "What the effects were estimated from.",
        "effects": "One for each kind of gauge.",
        "shares": "Share of the variance by what it comes `of`: gauges, `page` and `lot`, which are true, and the `rest`.",
        "rest_ratio": "Standard deviation of the rest, as a share of the value: cells and repeatability; null = unknown.",
        "notes": "What the fit says of itself, as sentences.",
        "problem": 'Why nothing was estimated, "" = it was.',
    },
    GaugeEffect: {
        "by": "Characteristic that tells the gauge.",
        "levels": "Number of each gauge.",
        "offsets_ratio": "What each adds to the natural logarithm: 0.01 = it shows 1 % too much.",
        "errors_ratio": "Standard error of each.",
        "counts": "Values that each gave.",
        "spread_ratio": "Standard deviation among gauges of the kind.",
    },
    Window: {
        "pages_count": "Reports.",
        "units_count": "Values in them.",
        "from_us": "When the first was reported, UTC us.",
        "to_us": "When the last was reported, UTC us.",
    },
    WarmingStudy: {
        "station": "Code of the station.",
        "operation": "Operation that measures both voltages.",
        "pages_count": "Reports with enough cells on the slope of the curve, after the nominal rest.",
        "entropy_mv_per_c": "dU/dT, mV per degree C; null = unknown.",
        "error_mv_per_c": "Standard error of it.",
        "told_mv_per_c": "What the plant's files say; null = nothing.",
        "told_error_mv_per_c": "Standard error of it, as the files say.",
        "problem": 'Why nothing was estimated, "" = it was.',
    },
    GaugeRepeated: {
        "repeatability": "The same appraiser and part again.",
        "appraiser": "Among appraisers.",
        "interaction": "What an appraiser does to one part and not to others.",
        "gauge": "All three together.",
        "part": "Among parts.",
        "total": "Gauge and part.",
        "gauge_sigma_ratio": "Standard deviation of the gauge / of the total.",
        "distinct_count": "How many classes of parts the gauge tells apart.",
        "mean_squares": "Lines of the analysis of variance: part, appraiser, interaction, repeatability.",
        "confidence_ratio": "Confidence of the intervals.",
    },
    Variance: {
        "value": "Variance, in the square of the unit of the values.",
        "lower": "Lower end of its interval.",
        "upper": "Upper end.",
        "share_ratio": "Share of the total variance.",
    },
    PairsReport: {
        "found": "One for each operation that weighs there.",
        "held_count": "Units that were held now.",
    },
    PairsFound: {
        "station": "Code of the station.",
        "operation": "Operation that weighs.",
        "tolerance_g": "How far a mass may be off, g.",
        "weighed_count": "Units that were weighed on those pages.",
        "unknown_count": "Those of which a part was not recorded: nothing can be said of them.",
        "pairs": "Those that cannot be.",
    },
    ImpossiblePair: {
        "unit": "Code of the unit.",
        "weighed_g": "What it weighs.",
        "expected_g": "What it must weigh by its record.",
        "excess_g": "How much more it weighs; negative = less.",
        "is_held": "Whether a hold keeps it.",
    },
}

DOCUMENTS: dict[str, list[tuple[str, type[Any]]]] = {
    "cellwright corrections": [
        ("", CorrectionsReport),
        ("each of `studies`", GaugeStudy),
        ("each of `effects`", GaugeEffect),
        ("`window`", Window),
        ("each of `warming`", WarmingStudy),
    ],
    "cellwright gauge": [("", GaugeRepeated), ("each variance", Variance)],
    "cellwright pairs": [
        ("", PairsReport),
        ("each of `found`", PairsFound),
        ("each of `pairs`", ImpossiblePair),
    ],
}

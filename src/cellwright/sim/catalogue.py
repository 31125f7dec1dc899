"""The numbers of the virtual plant: electrode sides, supplies, test limits and which defects are on."""

from msgspec import Struct, field

HOUR_S = 3600.0
LANES = 4
COATED_WIDTH_M = 0.24
HEEL_RATIO = 0.10
"""Part of a slurry batch that stays for the next one."""
TRAY_SLOTS = 100
MAGAZINE_SLOTS = 80
MODULES_PER_PACK = 4
GROUPS_PER_MODULE = 4
GROUPS_PER_PACK = GROUPS_PER_MODULE * MODULES_PER_PACK
BOLT_TURNS = (1, 5, 3, 7, 2, 6, 4, 8)
"""When each bolt has its turn, by number: crosswise, so that the busbars lie flat."""
BOLTS = len(BOLT_TURNS)
"""Of the busbars of a pack."""
CELLS_PER_PACK = MAGAZINE_SLOTS * MODULES_PER_PACK


class Powder(Struct, frozen=True):
    """A dry ingredient: position at the mixer, material, share of the dry mass."""

    position: str
    material: str
    dry_ratio: float


class Side(Struct, frozen=True):
    """One electrode: how it is mixed, coated, calendered and slit."""

    name: str
    letter: str
    powders: tuple[Powder, ...]
    solvent: str
    foil: str
    solids_ratio: float
    viscosity_mpas: float
    areal_weight_gsm: float
    thickness_um: float
    width_mm: float
    cell_mm: float
    """Length that a cell takes of it."""


CATHODE = Side(
    name="cathode",
    letter="C",
    powders=(
        Powder("active", "lfp_powder", 0.94),
        Powder("carbon", "conductive_carbon", 0.03),
        Powder("binder", "pvdf_binder", 0.03),
    ),
    solvent="nmp_solvent",
    foil="aluminium_foil",
    solids_ratio=0.60,
    viscosity_mpas=4000.0,
    areal_weight_gsm=320.0,
    thickness_um=150.0,
    width_mm=57.0,
    cell_mm=900.0,
)
ANODE = Side(
    name="anode",
    letter="A",
    powders=(Powder("active", "graphite_powder", 0.955), Powder("binder", "cmc_sbr_binder", 0.045)),
    solvent="deionised_water",
    foil="copper_foil",
    solids_ratio=0.48,
    viscosity_mpas=3000.0,
    areal_weight_gsm=155.0,
    thickness_um=118.0,
    width_mm=58.5,
    cell_mm=960.0,
)
SIDES = (CATHODE, ANODE)
SEPARATOR_MM = 1000.0
ELECTROLYTE_MG = 36_000.0
ADHESIVE_MG = 60_000.0


class Supply(Struct, frozen=True):
    """How a material is bought: lot prefix, base unit, quantity of a lot, shelf life."""

    prefix: str
    measure: str
    quantity: int
    shelf_life_days: int = 0


KILOGRAM_MG = 1_000_000
METRE_MM = 1000
SUPPLIES = {
    "lfp_powder": Supply("SUP-LFP", "mg", 40 * KILOGRAM_MG, 365),
    "conductive_carbon": Supply("SUP-CCB", "mg", 5 * KILOGRAM_MG, 365),
    "pvdf_binder": Supply("SUP-PVDF", "mg", 5 * KILOGRAM_MG, 365),
    "nmp_solvent": Supply("SUP-NMP", "mg", 60 * KILOGRAM_MG, 180),
    "graphite_powder": Supply("SUP-GRA", "mg", 20 * KILOGRAM_MG, 365),
    "cmc_sbr_binder": Supply("SUP-CMC", "mg", 4 * KILOGRAM_MG, 180),
    "deionised_water": Supply("SUP-DIW", "mg", 40 * KILOGRAM_MG, 30),
    "aluminium_foil": Supply("SUP-ALF", "mm", 800 * METRE_MM),
    "copper_foil": Supply("SUP-CUF", "mm", 700 * METRE_MM),
    "separator": Supply("SUP-SEP", "mm", 250 * METRE_MM, 365),
    "can": Supply("SUP-CAN", "count", 250),
    "electrolyte": Supply("SUP-ELY", "mg", 8 * KILOGRAM_MG, 90),
    "cap": Supply("SUP-CAP", "count", 220),
    "module_kit": Supply("SUP-KIT", "count", 12),
    "bms": Supply("SUP-BMS", "count", 5),
    "pack_housing": Supply("SUP-BOX", "count", 4),
    "adhesive": Supply("SUP-ADH", "mg", 2 * KILOGRAM_MG, 180),
    "busbar_bolts": Supply("SUP-BLT", "count", 20),
    "pack_label": Supply("SUP-LBL", "count", 50),
}


class Limit(Struct, frozen=True):
    """Window of a measured value in which the machine itself calls a unit good."""

    lower: float
    upper: float

    def holds(self, value: float) -> bool:
        """Tell whether a value lies inside."""
        return self.lower <= value <= self.upper


def exactly(count: int) -> Limit:
    """Return the window of a count that must be so many."""
    return Limit(float(count), float(count))


LIMITS: dict[str, dict[str, Limit]] = {
    "mix_cathode": {"viscosity_mpas": Limit(3200.0, 4800.0), "solids_ratio": Limit(0.585, 0.615)},
    "mix_anode": {"viscosity_mpas": Limit(2400.0, 3600.0), "solids_ratio": Limit(0.465, 0.495)},
    "coat_cathode": {"areal_weight_gsm": Limit(312.0, 328.0)},
    "coat_anode": {"areal_weight_gsm": Limit(151.0, 159.0)},
    "calender_cathode": {"thickness_um": Limit(146.0, 154.0)},
    "calender_anode": {"thickness_um": Limit(114.0, 122.0)},
    "slit_cathode": {"width_mm": Limit(56.8, 57.2), "burr_um": Limit(0.0, 12.0)},
    "slit_anode": {"width_mm": Limit(58.3, 58.7), "burr_um": Limit(0.0, 12.0)},
    "winding": {"overhang_mm": Limit(0.4, 1.4), "insulation_mohm": Limit(100.0, 1e6)},
    "assembly": {"weld_pull_n": Limit(24.0, 60.0)},
    "filling": {"electrolyte_g": Limit(35.3, 36.7)},
    "sealing": {"leak_pamin": Limit(0.0, 5.0)},
    "formation": {
        "charge_ah": Limit(6.2, 7.8),
        "discharge_ah": Limit(5.5, 6.8),
        "efficiency_ratio": Limit(0.86, 0.93),
    },
    "ageing": {"ocv1_v": Limit(3.18, 3.24), "ocv2_v": Limit(3.10, 3.24), "k_mv_per_h": Limit(-0.01, 0.05)},
    "grading": {"capacity_ah": Limit(5.85, 6.60), "dcir_ohm": Limit(0.010, 0.0138), "ocv_v": Limit(3.20, 3.35)},
    "sorting": {"mass_g": Limit(139.0, 147.0)},
    "resort": {
        "ocv_v": Limit(3.20, 3.35),
        "dcir_ohm": Limit(0.010, 0.0138),
        "mass_g": Limit(139.0, 147.0),
        "mass_shift_g": Limit(-0.1, 0.1),
        "ocv_shift_mv": Limit(-2.0, 0.3),
        "dcir_shift_ratio": Limit(-0.025, 0.025),
        "code_fit_count": exactly(1),
    },
    "module_assembly": {
        "polarity_count": exactly(MAGAZINE_SLOTS),
        "code_fit_count": exactly(MAGAZINE_SLOTS),
        "position_mm": Limit(0.0, 0.2),
    },
    "module_welding": {
        "joint_mohm": Limit(0.0, 0.35),
        "energy_low_j": Limit(95.0, 105.0),
        "energy_high_j": Limit(95.0, 105.0),
    },
    "module_gluing": {"glue_mass_g": Limit(58.2, 61.8)},
    "module_eol": {
        "voltage_v": Limit(13.0, 13.4),
        "delta_v": Limit(0.0, 0.010),
        "dcir_ohm": Limit(0.0018, 0.0040),
        "insulation_mohm": Limit(100.0, 1e6),
        "hipot_ma": Limit(0.0, 1.0),
        "ntc_spread_k": Limit(0.0, 2.0),
    },
    "pack_assembly": {"module_fit_count": exactly(MODULES_PER_PACK), "stack_force_n": Limit(1350.0, 1650.0)},
    "busbar_bolting": {
        "sequence_count": exactly(BOLTS),
        **{f"torque_{bolt:02d}_nm": Limit(8.55, 9.45) for bolt in range(1, BOLTS + 1)},
        **{f"angle_{bolt:02d}_deg": Limit(45.0, 75.0) for bolt in range(1, BOLTS + 1)},
        **{f"turn_{bolt:02d}_count": exactly(turn) for bolt, turn in enumerate(BOLT_TURNS, 1)},
    },
    "bms_flash": {
        "software_version_count": exactly(10_402),
        "software_hash_count": exactly(213_227_344_018_691),
        "configuration_fit_count": exactly(8),
        "pack_code_fit_count": exactly(1),
        "module_fit_count": exactly(MODULES_PER_PACK),
        "cell_voltage_count": exactly(GROUPS_PER_PACK),
        "temperature_count": exactly(4),
    },
    "leak_test": {"leak_pamin": Limit(0.0, 5.0)},
    "insulation_test": {
        "insulation_positive_mohm": Limit(20.0, 1e6),
        "insulation_negative_mohm": Limit(20.0, 1e6),
    },
    "hipot_test": {"hipot_ma": Limit(0.0, 1.0)},
    "equalisation": {"bond_ohm": Limit(0.0, 0.1)},
    "capacity_test": {
        "capacity_ah": Limit(118.0, 130.0),
        "energy_kwh": Limit(5.8, 7.0),
        "dcir_ohm": Limit(0.008, 0.013),
        "delta_v": Limit(0.0, 0.020),
        "load_delta_v": Limit(0.0, 0.050),
        "spread_k": Limit(0.0, 5.0),
    },
    "soc_set": {"soc_ratio": Limit(0.38, 0.42)},
    "labelling": {"code_fit_count": exactly(1)},
    "pack_eol": {
        "voltage_v": Limit(52.0, 53.6),
        "insulation_mohm": Limit(20.0, 1e6),
        "delta_v": Limit(0.0, 0.020),
    },
    "shipping": {},
}
"""Operation -> characteristic -> window. Defaults of the simulator, not limits for a real plant."""


class Defects(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Defects that the plant has, each with its rate; 0 switches it off."""

    coating_streak_per_roll: float = 0.4
    coating_gap_per_100_m: float = 1.0
    """Missing coat, seen by the camera and cut out when slitting."""
    lane_bead_ratio: float = 0.008
    """Extra coating of lane 3, felt as overhang when winding."""
    knife_burr: float = 1.0
    """How fast slitting knives wear: burr makes soft shorts."""
    particle_short: float = 0.008
    """Soft shorts per cell by metal particles of an average powder lot."""
    winding_misaligned: float = 0.010
    winding_short: float = 0.004
    cold_weld: float = 0.012
    nozzle_underfill: float = 0.12
    """How often filling nozzle 7 of 8 gives too little."""
    seal_leak: float = 0.004
    formation_contact: float = 0.006
    """Bad contacts per cell and run; the worn channel is 0.5. A re-test passes."""
    chamber_bias: float = 0.0
    """1: chambers of formation and grading are 1.5 C (standard deviation) off, and 0.3 C more than they know."""
    channel_bias: float = 0.0
    """1: channels of formation and grading show 0.25 % of capacity and 1.5 % of resistance too much or too little."""
    ageing_heat: float = 1.0
    """1: racks of the ageing room are 0.8 C (standard deviation) off, and 1.5 C more at each of both voltages."""
    late_crane: float = 0.04
    """Trays that come to the first voltage too early or too late."""
    supply_uncertified: float = 0.15
    supply_expired: float = 0.06
    """Supplier lots that come without certificate, or almost expired."""
    wrong_pick: float = 0.01
    """How often a station with a job order takes another unit than the one named, if one lies there."""
    machine_restart: float = 0.004
    """Machine restarts per request: the same request is written again."""
    wrong_cell: float = 0.0
    """Pairs of cells per tray that lie in each other's slot when they come to the module line."""
    modules_swapped: float = 0.0
    """Packs in which two modules are stacked in each other's slot."""
    insulation_low: float = 0.0
    """Packs in which a wire of a module is pinched while it is stacked."""
    bolt_loose: float = 0.0
    """Packs with a bolt that is not tight."""
    weld_splash: float = 0.0
    """Modules in which a weld loses metal half way; its energy is right all the same."""
    bolt_unordered: float = 0.0
    """Packs of which two bolts were tightened in each other's turn."""
    bms_software: float = 0.0
    """Packs whose BMS runs another software than it was given."""


ALL_DEFECTS = Defects()
NO_DEFECTS = Defects(**dict.fromkeys(Defects.__struct_fields__, 0.0))

ROUTES: dict[str, tuple[str, ...]] = {
    "cell": ("winding", "assembly", "filling", "sealing", "formation", "ageing", "grading", "sorting", "resort"),
    "module": ("module_assembly", "module_welding", "module_gluing", "module_eol"),
    "pack": (
        "pack_assembly",
        "busbar_bolting",
        "bms_flash",
        "leak_test",
        "insulation_test",
        "hipot_test",
        "equalisation",
        "capacity_test",
        "soc_set",
        "labelling",
        "pack_eol",
        "shipping",
    ),
}


class Settings(Struct, frozen=True, kw_only=True):
    """What one run of the virtual plant is asked to do."""

    seed: int = 7
    packs: int = 1
    spare_modules: int = 0
    """Modules beyond those of the packs, for repairs."""
    page: int = 1
    """Cells that one winding request makes."""
    start_us: int = 1_772_409_600_000_000
    """Plant time at the beginning: 2026-03-02T00:00:00Z."""
    slack_s: float = 2.0
    patience_s: float = 120.0
    pace_ratio: float = 0.0
    """Plant time per host time at most, 0 = as fast as it goes."""
    first_roll_m: float = 60.0
    """Coated length of the first roll; a campaign begins small."""
    roll_m: float = 150.0
    batch_rolls: float = 1.5
    """Rolls that one slurry batch feeds: every second roll spans two batches."""
    waste_limit: float = 3.0
    """Cells wound per cell needed at which the plant gives up."""
    parked_limit: int = 120
    """Cells that were refused and parked at which the plant gives up."""
    defects: Defects = field(default_factory=Defects)
    persons: dict[str, str] = field(default_factory=dict)
    """Badge of the person at a station."""
    cyclers: str = ""
    """Folder that the cyclers write their curves to, "" = none."""
    dispatched: frozenset[str] = frozenset()
    """Stations that work only on the job orders of the MES."""

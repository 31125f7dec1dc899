"""Every page of the product."""

from cellwright.web.line import LINE
from cellwright.web.overview import OVERVIEW
from cellwright.web.station import STATION
from cellwright.web.styleguide import STYLEGUIDE

PAGES = (OVERVIEW, LINE, STATION, STYLEGUIDE)

"""Every page of the product."""

from cellwright.web.account import ACCOUNT
from cellwright.web.audit import AUDIT
from cellwright.web.line import LINE
from cellwright.web.overview import OVERVIEW
from cellwright.web.people import PEOPLE
from cellwright.web.station import STATION
from cellwright.web.styleguide import STYLEGUIDE

PAGES = (OVERVIEW, LINE, STATION, PEOPLE, ACCOUNT, AUDIT, STYLEGUIDE)

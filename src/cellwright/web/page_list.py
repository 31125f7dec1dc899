"""Every page of the product."""

from cellwright.web.account import ACCOUNT
from cellwright.web.api_guide import API_GUIDE
from cellwright.web.audit import AUDIT
from cellwright.web.carrier import CARRIER
from cellwright.web.hold_list import HOLDS
from cellwright.web.line import LINE
from cellwright.web.lot import LOT
from cellwright.web.lot_list import LOTS
from cellwright.web.order import ORDER
from cellwright.web.order_list import ORDERS
from cellwright.web.overview import OVERVIEW
from cellwright.web.people import PEOPLE
from cellwright.web.plant_map import PLANT
from cellwright.web.refusal_list import REFUSALS
from cellwright.web.search import SEARCH
from cellwright.web.station import STATION
from cellwright.web.styleguide import STYLEGUIDE
from cellwright.web.trace import TRACE
from cellwright.web.unit import UNIT
from cellwright.web.unit_list import UNITS

PAGES = (
    OVERVIEW,
    LINE,
    STATION,
    ORDERS,
    ORDER,
    UNITS,
    UNIT,
    LOTS,
    LOT,
    CARRIER,
    TRACE,
    HOLDS,
    REFUSALS,
    SEARCH,
    PLANT,
    AUDIT,
    PEOPLE,
    ACCOUNT,
    API_GUIDE,
    STYLEGUIDE,
)

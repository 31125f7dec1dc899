"""Every page of the product."""

from cellwright.web.pages.account import ACCOUNT
from cellwright.web.pages.api_guide import API_GUIDE
from cellwright.web.pages.audit import AUDIT
from cellwright.web.pages.carrier import CARRIER
from cellwright.web.pages.commonality import COMMONALITY
from cellwright.web.pages.formation import FORMATION
from cellwright.web.pages.formation_batch import FORMATION_BATCH
from cellwright.web.pages.genealogy import GENEALOGY
from cellwright.web.pages.grade_limits import GRADING
from cellwright.web.pages.hold_list import HOLDS
from cellwright.web.pages.line import LINE
from cellwright.web.pages.line_work import LINE_WORK
from cellwright.web.pages.lot import LOT
from cellwright.web.pages.lot_list import LOTS
from cellwright.web.pages.matching import MATCHING
from cellwright.web.pages.order import ORDER
from cellwright.web.pages.order_list import ORDERS
from cellwright.web.pages.overview import OVERVIEW
from cellwright.web.pages.pack_cells import PACK_CELLS
from cellwright.web.pages.people import PEOPLE
from cellwright.web.pages.plant_map import PLANT
from cellwright.web.pages.recall import RECALL
from cellwright.web.pages.refusal_list import REFUSALS
from cellwright.web.pages.roll_map import ROLL_MAP
from cellwright.web.pages.search import SEARCH
from cellwright.web.pages.siblings import SIBLINGS
from cellwright.web.pages.station import STATION
from cellwright.web.pages.styleguide import STYLEGUIDE
from cellwright.web.pages.trace import TRACE
from cellwright.web.pages.unit import UNIT
from cellwright.web.pages.unit_list import UNITS
from cellwright.web.pages.welds import WELDS
from cellwright.web.pages.work import WORK

PAGES = (
    OVERVIEW,
    LINE,
    LINE_WORK,
    STATION,
    WORK,
    ORDERS,
    ORDER,
    UNITS,
    UNIT,
    PACK_CELLS,
    WELDS,
    LOTS,
    LOT,
    CARRIER,
    ROLL_MAP,
    FORMATION,
    FORMATION_BATCH,
    TRACE,
    MATCHING,
    COMMONALITY,
    GENEALOGY,
    GRADING,
    SIBLINGS,
    RECALL,
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

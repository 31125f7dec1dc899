"""The story that fills the pages of the benches: a whole pack of the embedded plant."""

from cellwright.plant.config import find_plant, load_plant
from cellwright.rules.state import UnitRow, UnitStatus
from cellwright.testing.flow import START_US
from cellwright.testing.pack_story import tell_pack

DAY_US = 86_400_000_000
END_US = START_US + 100 * DAY_US


def test_a_pack_is_shipped_and_a_tray_is_on_its_way() -> None:
    driver, told = tell_pack(load_plant(find_plant("lfp32700")), END_US)
    assert driver.unit(told.pack).status is UnitStatus.FINISHED
    cells = [row for row in driver.state.rows(UnitRow) if row.product == "cell_32700"]
    assert len([row for row in cells if row.parent]) == 320
    assert len([row for row in cells if row.carrier]) == 80
    assert END_US - 2 * DAY_US < driver.now_us < END_US

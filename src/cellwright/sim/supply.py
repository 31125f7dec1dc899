"""Receiving: supplier lots arrive when somebody needs one, with certificate, expiry and true properties."""

import hashlib
import math

from cellwright.links.opcua.contract import Kind
from cellwright.sim.catalogue import SUPPLIES, Supply
from cellwright.sim.clock import PlantStoppedError
from cellwright.sim.lots import Lot
from cellwright.sim.machine import Ask
from cellwright.sim.station import Source, Station
from cellwright.sim.world import World

_DAY_US = 86_400_000_000


class Receiving(Station):
    """The goods-in station; `source(material)` is what other stations take lots from."""

    def __init__(self, world: World) -> None:
        """Stand at RCV-01."""
        super().__init__(world, "RCV-01", "")
        self._received = dict.fromkeys(SUPPLIES, 0)

    def source(self, material: str) -> Source:
        """Return a function that brings the next lot of a material."""

        async def next_lot() -> Lot:
            return await self.receive(material)

        return next_lot

    async def receive(self, material: str) -> Lot:
        """Receive one lot and register it."""
        supply = SUPPLIES[material]
        self._received[material] += 1
        number = self._received[material]
        lot = self._make(material, supply, number)
        ask = Ask(
            kind=Kind.RECEIVE,
            material=material,
            lots=(lot.code,),
            quantity=(lot.booked,),
            expires_us=lot.expires_us,
            certificate=self._certificate(lot),
            supplier=supply.prefix,
        )
        await self.clock.sleep(30.0)
        reply = await self.persist(ask, give_up=frozenset({"lot_repeated"}))
        if not reply.accepted:
            raise PlantStoppedError(f"{self.code}: lot {lot.code} is known already; start with an empty database")
        self.world.lots[lot.code] = lot
        return lot

    def _make(self, material: str, supply: Supply, number: int) -> Lot:
        random = self.world.random(material, number)
        life_us = supply.shelf_life_days * _DAY_US
        expires_us = self.clock.now_us + life_us if life_us else 0
        if number > 1 and life_us and random.random() < self.world.defects.supply_expired:
            expires_us = self.clock.now_us - _DAY_US
        traits = {
            "particles": float(math.exp(random.normal(0.0, 0.4))),
            "moisture": float(math.exp(random.normal(0.0, 0.2))),
            "capacity": 1.0 + float(random.normal(0.0, 0.002)) if material == "lfp_powder" else 1.0,
        }
        return Lot(
            code=f"{supply.prefix}-{number:04d}",
            material=material,
            measure=supply.measure,
            size=float(supply.quantity),
            booked=supply.quantity,
            made_us=self.clock.now_us,
            expires_us=expires_us,
            traits=traits,
        )

    def _certificate(self, lot: Lot) -> str:
        is_missing = not lot.code.endswith("0001") and self.random.random() < self.world.defects.supply_uncertified
        return "" if is_missing else hashlib.sha256(lot.code.encode()).hexdigest()

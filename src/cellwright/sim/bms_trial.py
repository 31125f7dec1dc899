"""A virtual BMS on a bus of this machine, to try the link against: `python -m cellwright.sim.bms_trial --help`."""

import argparse
import signal
import threading
from collections.abc import Sequence

from cellwright.links.uds.contract import BmsContract
from cellwright.links.uds.keys import cmac_key
from cellwright.links.uds.session import BusSettings
from cellwright.sim.bms import BmsFault, BmsState, VirtualBms
from cellwright.sim.bms_server import BmsServer


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cellwright.sim.bms_trial", description="A virtual BMS on a CAN bus."
    )
    add = parser.add_argument
    add("--interface", default="socketcan", help="interface, as python-can names it")
    add("--channel", default="vcan0", help="its channel")
    add("--secret", type=bytes.fromhex, required=True, help="secret for security access, hexadecimal; of a trial only")
    add("--part", default=BmsState().part_number, help="its part number")
    add("--fault", action="append", default=[], type=BmsFault, choices=list(BmsFault), help="switch a fault on")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is told to end."""
    options, ended = parse(arguments), threading.Event()
    bms = VirtualBms(BmsContract(), cmac_key(options.secret), state=BmsState(part_number=options.part))
    bms.faults.update(options.fault)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with BmsServer(bms, BusSettings(interface=options.interface, channel=options.channel)):
        ended.wait()


if __name__ == "__main__":
    main()

"""The development identity provider: it stands in for real ones over real HTTP, with sample people and faults to choose."""

from authenticator.emulator.faults import FAULTS
from authenticator.emulator.server import Emulator

__all__ = ["FAULTS", "Emulator"]

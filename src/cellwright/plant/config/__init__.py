"""A plant's TOML files: read, checked all at once, and linked."""

from cellwright.plant.config.plants import Reading, find_plant, load_plant, plant_digest, read_plant, route_bodies

__all__ = ["Reading", "find_plant", "load_plant", "plant_digest", "read_plant", "route_bodies"]

"""OPC UA: the station contract, its security, and the client that serves stations."""

"""Pages, JSON API and live stream: what people and scripts see of the plant. Decides nothing."""

-- Work orders: an inline view, since the next decision asks whether an order is known and open.

CREATE TABLE work_order (
    code text PRIMARY KEY,
    product text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    due_us bigint NOT NULL,
    released_us bigint NOT NULL,
    released_by text NOT NULL,
    closed_us bigint NOT NULL,
    closed_by text NOT NULL,
    reason text NOT NULL
);
COMMENT ON TABLE work_order IS 'How many good units of a product are wanted; closed_us 0 = open. What was made for it follows in views for people.';

//! Text that comes from outside, on its way to people: made visible, kept for scrolling back, copied.

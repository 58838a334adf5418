//! AWS's shapes for answers and refusals.

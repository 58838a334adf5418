//! The control socket: commands in, answers and snapshots out.

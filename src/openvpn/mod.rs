//! The OpenVPN protocol without I/O: bytes and the time in; packets, events and a deadline out.

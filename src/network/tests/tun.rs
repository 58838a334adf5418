//! The TUN device in network namespaces made for the test.

//! Ways into the target network: a TUN device, or a TCP/IP stack in user space.

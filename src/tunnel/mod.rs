//! The running gateway: reconciler, listeners, workers and the handshake pool.

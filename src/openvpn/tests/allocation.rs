//! That the data channel allocates nothing per packet.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::pair::*;
use super::traffic::{seal, two_ends, v2};
use crate::openvpn::*;

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may allocate after its counter is gone.
    ALLOCATIONS
        .try_with(|count| count.set(count.get() + 1))
        .unwrap_or_default();
}

#[expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps this function's contract, which is that one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn packets_are_sealed_and_opened_without_allocating() {
    assert!(allocations_of(|| drop(std::hint::black_box(vec![1]))) > 0);
    for cipher in Cipher::ALL {
        let (now, mut client, mut server) = two_ends(cipher, v2(), Framing::LzoStub);
        let mut buffer = vec![0; HEADROOM];
        buffer.extend_from_slice(&inner_packet(1));
        let payload = HEADROOM..buffer.len();
        let good = seal(&mut client, now, &inner_packet(2));
        let mut forged = good.clone();
        forged[20] ^= 1;
        let mut replay = good.clone();
        assert!(server.open(now, &mut good.clone()).is_ok());
        let count = allocations_of(|| {
            let packet = client.seal(now, &mut buffer, payload).unwrap();
            assert!(server.open(now, &mut buffer[packet]).is_ok());
            assert!(server.open(now, &mut forged).is_err());
            assert_eq!(server.open(now, &mut replay), Err(Discard::Replayed));
            assert!(server.poll_timeout().is_some());
            assert_eq!(server.poll_event(), None);
        });
        assert_eq!(count, 0, "{cipher}");
    }
}

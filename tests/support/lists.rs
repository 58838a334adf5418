//! Revocation lists as they come from elsewhere.

use gatehouse::{clock, pki};
use jiff::SignedDuration;

/// A list that an authority made, and that is over.
pub(crate) fn expired(certificate_pem: &str, private_key_pem: String) -> String {
    let now = clock::now();
    let request = pki::ListRequest {
        number: 1,
        this_update: now - SignedDuration::from_mins(30),
        next_update: now - SignedDuration::from_mins(10),
        entries: Vec::new(),
    };
    let key = pki::SecretPem::new(private_key_pem);
    let list = pki::make_revocation_list(certificate_pem, &key, &request);
    list.expect("the authority signs it").pem
}

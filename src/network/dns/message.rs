//! DNS messages as far as a forwarder looks into them (RFC 1035, section 4): header and question.

use std::ops::Range;

/// Length of the header.
const HEADER: usize = 12;
/// The longest label, and the longest name with its length bytes.
const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 255;
/// Type and class behind the question's name.
const TYPE_AND_CLASS: usize = 4;

/// Bits of the header's third and fourth byte.
const RESPONSE: u8 = 0x80;
const OPCODE: u8 = 0x78;
const TRUNCATED: u8 = 0x02;
const RECURSION_DESIRED: u8 = 0x01;
const RECURSION_AVAILABLE: u8 = 0x80;
const RCODE: u8 = 0x0f;

/// How a query went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Rcode {
    /// The query is none that can be read.
    FormatError = 1,
    /// Nobody gave an answer.
    ServerFailure = 2,
}

/// Why a message is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is no query, so it is not answered either: two servers would answer each other for ever.
    NoQuery,
    /// It does not ask one question (RFC 9619).
    Malformed,
}

/// A query: one question, and whatever else there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    message: Vec<u8>,
    question: Range<usize>,
}

impl Query {
    pub(super) fn parse(message: &[u8]) -> Result<Self, Unfit> {
        if message.len() < HEADER || message[2] & RESPONSE != 0 {
            return Err(Unfit::NoQuery);
        }
        Ok(Self {
            question: question(message).ok_or(Unfit::Malformed)?,
            message: message.to_vec(),
        })
    }

    /// The message under another identifier.
    pub(super) fn with_id(&self, id: [u8; 2]) -> Vec<u8> {
        let mut message = self.message.clone();
        message[..2].copy_from_slice(&id);
        message
    }

    /// Whether `message` answers this query under that identifier: an answer repeats the question,
    /// but for one that says that it could not be read.
    pub(super) fn is_answered_by(&self, message: &[u8], id: [u8; 2]) -> bool {
        let is_for = message.len() >= HEADER
            && message[..2] == id
            && message[2] & RESPONSE != 0
            && message[2] & OPCODE == self.message[2] & OPCODE;
        if !is_for {
            return false;
        }
        if message[4..6] == [0, 0] {
            return message[3] & RCODE != 0;
        }
        question(message).is_some_and(|other| {
            let (name, kind) = split(&self.message[self.question.clone()]);
            let (other_name, other_kind) = split(&message[other]);
            name.eq_ignore_ascii_case(other_name) && kind == other_kind
        })
    }

    /// The answer, under the query's own identifier.
    pub(super) fn answered(&self, mut answer: Vec<u8>) -> Vec<u8> {
        answer[..2].copy_from_slice(&self.message[..2]);
        answer
    }

    /// An answer of our own.
    pub(super) fn failed(&self, rcode: Rcode) -> Vec<u8> {
        let mut answer = failure(&self.message, rcode);
        answer[5] = 1;
        answer.extend_from_slice(&self.message[self.question.clone()]);
        answer
    }

    /// The start of an answer that is too long for a datagram, so that the client asks by TCP.
    pub(super) fn truncated(&self, answer: &[u8]) -> Vec<u8> {
        let mut short = answer[..HEADER].to_vec();
        short[2] |= TRUNCATED;
        short[4..].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        short.extend_from_slice(&self.message[self.question.clone()]);
        short
    }
}

/// The answer to a message of at least a header's length, without any question.
pub(super) fn failure(message: &[u8], rcode: Rcode) -> Vec<u8> {
    let mut answer = vec![0; HEADER];
    answer[..2].copy_from_slice(&message[..2]);
    answer[2] = RESPONSE | message[2] & (OPCODE | RECURSION_DESIRED);
    answer[3] = RECURSION_AVAILABLE | rcode as u8;
    answer
}

/// Whether the server that answered could not or would not say, so that another is worth asking:
/// failure, not implemented, refused.
pub(super) fn is_refusal(answer: &[u8]) -> bool {
    matches!(answer[3] & RCODE, 2 | 4 | 5)
}

/// Where the one question stands.
fn question(message: &[u8]) -> Option<Range<usize>> {
    if message.get(4..6)? != [0, 1] {
        return None;
    }
    let mut at = HEADER;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        // The first name of a message has nothing before it that it could point to.
        if length > MAX_LABEL || at + length - HEADER >= MAX_NAME {
            return None;
        }
        at += length;
    }
    let end = at + TYPE_AND_CLASS;
    (end <= message.len()).then_some(HEADER..end)
}

fn split(question: &[u8]) -> (&[u8], &[u8]) {
    question.split_at(question.len() - TYPE_AND_CLASS)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A query for the address of `name`.
    pub(in crate::network::dns) fn query(id: [u8; 2], name: &str) -> Vec<u8> {
        let mut message = vec![id[0], id[1], RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend_from_slice(label.as_bytes());
        }
        message.extend_from_slice(&[0, 0, 1, 0, 1]);
        message
    }

    /// The query with the bit that makes it an answer.
    pub(in crate::network::dns) fn answer(query: &[u8]) -> Vec<u8> {
        let mut message = query.to_vec();
        message[2] |= RESPONSE;
        message
    }

    #[test]
    fn an_answer_is_taken_only_under_the_identifier_and_for_the_question_asked() {
        let asked = Query::parse(&query([1, 2], "db.example")).unwrap();
        let id = [7, 9];
        let good = answer(&asked.with_id(id));
        assert!(asked.is_answered_by(&good, id));
        assert!(!asked.is_answered_by(&good, [7, 8]));
        assert!(!asked.is_answered_by(&asked.with_id(id), id), "no answer");
        let upper = answer(&query(id, "DB.example"));
        assert!(asked.is_answered_by(&upper, id), "names have no case");
        assert!(!asked.is_answered_by(&answer(&query(id, "dc.example")), id));
        let mut other_type = good.clone();
        let kind = other_type.len() - 3;
        other_type[kind] = 28;
        assert!(!asked.is_answered_by(&other_type, id));
        assert!(!asked.is_answered_by(&good[..11], id));
        assert_eq!(asked.answered(good)[..2], [1, 2]);
    }

    #[test]
    fn an_answer_without_the_question_is_taken_only_as_an_error() {
        let asked = Query::parse(&query([1, 2], "db.example")).unwrap();
        let mut bare = failure(&query([1, 2], "a"), Rcode::FormatError);
        assert!(asked.is_answered_by(&bare, [1, 2]));
        bare[3] &= !RCODE;
        assert!(!asked.is_answered_by(&bare, [1, 2]));
    }

    #[test]
    fn what_is_no_query_is_told_from_what_asks_no_question() {
        let good = query([0, 1], "a.example");
        assert_eq!(Query::parse(&good[..11]), Err(Unfit::NoQuery));
        assert_eq!(Query::parse(&answer(&good)), Err(Unfit::NoQuery));
        for cut in HEADER..good.len() {
            assert_eq!(Query::parse(&good[..cut]), Err(Unfit::Malformed), "{cut}");
        }
        let mut two = good.clone();
        two[5] = 2;
        assert_eq!(Query::parse(&two), Err(Unfit::Malformed));
        let mut pointer = good;
        pointer[HEADER] = 0xc0;
        assert_eq!(Query::parse(&pointer), Err(Unfit::Malformed));
        let long = ["a".repeat(63).as_str(); 4].join(".");
        assert_eq!(Query::parse(&query([0, 1], &long)), Err(Unfit::Malformed));
    }

    #[test]
    fn answers_of_our_own_repeat_identifier_and_question() {
        let message = query([3, 4], "db.example");
        let asked = Query::parse(&message).unwrap();
        let failed = asked.failed(Rcode::ServerFailure);
        assert!(asked.is_answered_by(&failed, [3, 4]));
        assert!(is_refusal(&failed));
        let mut long = answer(&message);
        long[7] = 1;
        long.extend([0; 2000]);
        let short = asked.truncated(&long);
        assert!(asked.is_answered_by(&short, [3, 4]));
        assert_ne!(short[2] & TRUNCATED, 0);
        assert_eq!(short.len(), message.len());
        assert_eq!(short[6..HEADER], [0; 6]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), other in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(query) = Query::parse(&bytes) {
                query.is_answered_by(&other, [0, 0]);
                prop_assert!(query.failed(Rcode::ServerFailure).len() <= bytes.len());
            }
        }
    }
}

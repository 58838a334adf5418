//! The text messages of the control channel (wire reference, sections 5 and 10).
//!
//! Each is a text with a NUL behind it, in a TLS record of its own. Receivers are more tolerant: several
//! in a record, one over several records, and line ends before the NUL.

/// What a peer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A client asks for its configuration.
    PushRequest,
    /// Options, separated by commas.
    PushReply(String),
    /// Options that change while connected; one with a `-` before its name goes.
    PushUpdate(String),
    /// The credentials were refused, with what the person should read.
    AuthFailed(String),
    /// Reconnect, with flags and text.
    Restart(String),
    /// Do not come back.
    Halt(String),
    /// The sender leaves.
    Exit,
    /// Something to show.
    Info(String),
    /// Anything else; ignored.
    Other,
}

impl Message {
    pub(crate) fn parse(text: &str) -> Self {
        let (word, rest) = text.split_once(',').unwrap_or((text, ""));
        match word {
            "PUSH_REQUEST" => Self::PushRequest,
            "PUSH_REPLY" => Self::PushReply(rest.to_owned()),
            "PUSH_UPDATE" => Self::PushUpdate(rest.to_owned()),
            "AUTH_FAILED" => Self::AuthFailed(rest.to_owned()),
            "RESTART" => Self::Restart(rest.to_owned()),
            "HALT" => Self::Halt(rest.to_owned()),
            "EXIT" => Self::Exit,
            "INFO" => Self::Info(rest.to_owned()),
            _ => Self::Other,
        }
    }

    /// The text with its NUL: the content of one TLS record.
    pub(crate) fn to_record(&self) -> Vec<u8> {
        let (word, rest) = match self {
            Self::PushRequest => ("PUSH_REQUEST", ""),
            Self::PushReply(options) => ("PUSH_REPLY", options.as_str()),
            Self::PushUpdate(options) => ("PUSH_UPDATE", options.as_str()),
            Self::AuthFailed(reason) => ("AUTH_FAILED", reason.as_str()),
            Self::Restart(text) => ("RESTART", text.as_str()),
            Self::Halt(text) => ("HALT", text.as_str()),
            Self::Exit => ("EXIT", ""),
            Self::Info(text) => ("INFO", text.as_str()),
            Self::Other => return Vec::new(),
        };
        let mut record = word.as_bytes().to_vec();
        if !rest.is_empty() {
            record.push(b',');
            record.extend_from_slice(rest.as_bytes());
        }
        record.push(0);
        record
    }
}

/// Text that may stand in a message: one line, and short enough for one record.
pub(crate) fn sanitize(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    line[..line.floor_char_boundary(MAX_TEXT)].trim().to_owned()
}

/// Cuts received plaintext into texts.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    /// Bytes of `buffer` already read, so that many short texts in a record cost no moves.
    taken: usize,
}

/// A peer sent more text without an end than any message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

impl Inbox {
    /// Takes the plaintext of a record.
    pub(crate) fn feed(&mut self, plaintext: &[u8]) -> Result<(), Overflow> {
        self.buffer.drain(..std::mem::take(&mut self.taken));
        if self.buffer.len() + plaintext.len() > MAX_BUFFERED {
            return Err(Overflow);
        }
        self.buffer.extend_from_slice(plaintext);
        Ok(())
    }

    /// The next message. Texts that are not UTF-8 or have control characters inside are left out: they
    /// would end up in logs (CVE-2024-5594).
    pub(crate) fn next(&mut self) -> Option<Message> {
        loop {
            let rest = &self.buffer[self.taken..];
            let end = rest.iter().position(|byte| *byte == 0)?;
            self.taken += end + 1;
            let Ok(text) = str::from_utf8(&rest[..end]) else {
                continue;
            };
            let text = text.trim_end_matches(['\r', '\n']);
            if !text.is_empty() && !text.chars().any(char::is_control) {
                return Some(Message::parse(text));
            }
        }
    }
}

/// A record holds 1024 bytes in stock clients; the rest is for the word and push continuation.
const MAX_TEXT: usize = 900;
/// One TLS record of text and a partial message.
const MAX_BUFFERED: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages(records: &[&[u8]]) -> Vec<Message> {
        let mut inbox = Inbox::default();
        let mut messages = Vec::new();
        for record in records {
            inbox.feed(record).unwrap();
            messages.extend(std::iter::from_fn(|| inbox.next()));
        }
        messages
    }

    #[test]
    fn borders_of_records_and_line_ends_do_not_matter() {
        assert_eq!(
            messages(&[b"PUSH_REQUEST\0EXIT\r\n\0"]),
            [Message::PushRequest, Message::Exit]
        );
        assert_eq!(
            messages(&[b"AUTH_FAI", b"LED,no\0"]),
            [Message::AuthFailed("no".into())]
        );
    }

    #[test]
    fn text_with_control_characters_is_ignored() {
        assert_eq!(
            messages(&[b"INFO,a\x1b[2Jb\0", b"\xff\0", b"\0", b"EXIT\0"]),
            [Message::Exit]
        );
    }

    #[test]
    fn text_without_end_is_bounded() {
        let mut inbox = Inbox::default();
        let chunk = [b'a'; 16 << 10];
        assert_eq!(inbox.feed(&chunk), Ok(()));
        assert_eq!(inbox.feed(&chunk), Ok(()));
        assert_eq!(inbox.feed(&chunk), Err(Overflow));
    }

    /// Each text that is read is done with: it neither counts against the limit nor is moved again.
    #[test]
    fn read_texts_leave_room_for_more() {
        let mut inbox = Inbox::default();
        let record = [&[0; 15_000][..], b"EXIT\0"].concat();
        for _ in 0..5 {
            assert_eq!(inbox.feed(&record), Ok(()));
            assert_eq!(inbox.next(), Some(Message::Exit));
            assert_eq!(inbox.next(), None);
        }
    }

    #[test]
    fn a_reason_cannot_add_lines_or_messages() {
        assert_eq!(sanitize("no\nPUSH_REPLY\0x"), "no PUSH_REPLY x");
        assert!(sanitize(&"é".repeat(2000)).len() <= MAX_TEXT);
    }

    #[test]
    fn messages_read_back_as_written() {
        for message in [
            Message::PushRequest,
            Message::PushReply("a,b".into()),
            Message::PushUpdate("-route,dhcp-option DNS 10.0.0.2".into()),
            Message::AuthFailed(String::new()),
            Message::Restart("[P]bye".into()),
            Message::Halt("x".into()),
            Message::Exit,
            Message::Info("hello".into()),
        ] {
            assert_eq!(messages(&[&message.to_record()]), [message]);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_records_never_panic(
            records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..100), 0..10),
        ) {
            let mut inbox = Inbox::default();
            for record in records {
                inbox.feed(&record).unwrap();
                while inbox.next().is_some() {}
            }
        }
    }
}

//! The field for ports: none, one, or from one to another.

use egui::Ui;

use crate::{
    app::{form::DialogForm, kit::field::FieldResponse},
    model::{Code, IpProtocol, Refusal},
};

const FROM: &str = "FromPort";
const TO: &str = "ToPort";

/// Draws the field. What was typed waits while a protocol is chosen that has no ports.
pub(super) fn field(
    ui: &mut Ui,
    form: &mut DialogForm,
    (label, hint, help): (&'static str, &str, &str),
    protocol: Option<IpProtocol>,
    typed: &mut String,
) -> FieldResponse {
    let has_ports = protocol.is_some_and(IpProtocol::has_ports);
    let mut none = String::new();
    let value = if has_ports { typed } else { &mut none };
    if !has_ports {
        // What was wrong with them is nothing that could be mended now.
        form.forget_at(FROM);
        form.forget_at(TO);
    }
    // Either end may be refused; both are the one field here.
    let at = match form.error(TO, label) {
        Some(_) => TO,
        None => FROM,
    };
    form.shows(FROM);
    form.shows(TO);
    form.text_with(ui, (at, label), value, (hint, help), |field| {
        field
            .optional()
            .mono()
            .disabled_because((!has_ports).then_some("Only TCP and UDP have ports"))
    })
}

/// The ports that were typed, first and last, for a protocol that has them.
///
/// # Errors
/// What is neither a port nor a range of them.
pub(super) fn ports(
    protocol: Option<IpProtocol>,
    typed: &str,
) -> Result<Option<(u16, u16)>, Refusal> {
    let typed = typed.trim();
    if typed.is_empty() || !protocol.is_some_and(IpProtocol::has_ports) {
        return Ok(None);
    }
    let (from, to) = typed.split_once('-').unwrap_or((typed, typed));
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    match (port(from), port(to)) {
        (Some(from), Some(to)) if from <= to => Ok(Some((from, to))),
        _ => {
            let words = format!(
                "\"{typed}\" is neither a port between 1 and 65535 nor two with a - between, for example 8000-8100"
            );
            Err(Refusal::new(Code::InvalidParameterValue, words).at(FROM))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_one_or_a_range_and_anything_else_is_refused() {
        let tcp = |typed| ports(Some(IpProtocol::Tcp), typed);
        assert_eq!(tcp(" ").unwrap(), None);
        assert_eq!(tcp("443").unwrap(), Some((443, 443)));
        assert_eq!(tcp("8000 - 8100").unwrap(), Some((8000, 8100)));
        for wrong in ["0", "https", "8100-8000", "1-70000", "-"] {
            assert_eq!(tcp(wrong).unwrap_err().field.as_deref(), Some(FROM));
        }
        for without in [None, Some(IpProtocol::Icmp)] {
            assert_eq!(ports(without, "443").unwrap(), None);
        }
    }
}

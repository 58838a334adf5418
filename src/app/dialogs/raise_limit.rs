//! Raises a limit where it was reached, above the dialog that ran into it: nothing typed there is
//! lost.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        format,
        limits::Limit,
    },
    model::{Code, Command, Refusal, Snapshot, command::ModifySettings},
};

/// The dialog.
pub struct RaiseLimit {
    limit: Limit,
    value: String,
    form: DialogForm,
}

impl RaiseLimit {
    /// For a limit; twice as much is proposed.
    #[must_use]
    pub fn new(snapshot: &Snapshot, limit: Limit) -> Self {
        let now = limit.of(&snapshot.settings);
        Self {
            limit,
            value: now.saturating_mul(2).to_string(),
            form: DialogForm::default(),
        }
    }
}

/// The number typed for a limit, or what is wrong with it.
///
/// # Errors
/// `InvalidParameterValue` at the limit's field.
pub fn number(limit: Limit, typed: &str, now: u32) -> Result<u32, Refusal> {
    let digits: String = typed.chars().filter(|c| *c != ',' && *c != ' ').collect();
    digits.parse().map_err(|_| {
        let words = format!("A limit is a whole number, for example {now}");
        Refusal::new(Code::InvalidParameterValue, words)
            .at(limit.field())
            .cure(now.to_string())
    })
}

impl FormDialog for RaiseLimit {
    fn title(&self) -> String {
        "Raise the limit".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Raise the limit"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let now = self.limit.of(&cx.view.snapshot.settings);
        let help = format!(
            "It is {} now. Settings shows all limits.",
            format::count(u64::from(now))
        );
        let field = (self.limit.field(), self.limit.label());
        form.text_with(ui, field, &mut self.value, ("", &help), |field| {
            field.width(160.0)
        });
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let now = self.limit.of(&cx.view.snapshot.settings);
        let value = number(self.limit, &self.value, now)?;
        let mut fields = ModifySettings::default();
        self.limit.put(&mut fields, value);
        let done = format!(
            "{}: at most {} now",
            self.limit.label(),
            format::count(u64::from(value))
        );
        Ok(Act::command(Command::ModifySettings(fields), done))
    }
}

#[cfg(test)]
mod tests {
    use egui::{Key, Modifiers};
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use crate::{
        app::{
            context::EndpointTab,
            testing::{FakeConsole, Window, sample},
        },
        model::{Code, Command, Refusal},
    };

    /// A service at its limits until they are raised.
    fn full() -> Window {
        let (snapshot, live) = sample::office();
        let console = FakeConsole::new(snapshot, live);
        let mut raised = false;
        console.answer(move |request| {
            let refuse = |code, words: &str| (!raised).then(|| Err(Refusal::new(code, words)));
            match &request.command {
                Command::ModifySettings(_) if !request.dry_run => {
                    raised = true;
                    None
                }
                Command::CreateClientVpnEndpoint(_) => refuse(
                    Code::EndpointLimitExceeded,
                    "There are 5 endpoints, as many as there may be",
                ),
                Command::AuthorizeClientVpnIngress(_) => refuse(
                    Code::RuleLimitExceeded,
                    "It has 50 authorization rules, as many as it may have",
                ),
                Command::CreateClientVpnRoute(_) => refuse(
                    Code::RouteLimitExceeded,
                    "It has 10 routes, as many as it may have",
                ),
                _ => None,
            }
        });
        Window::open(console)
    }

    fn submit(window: &mut Window) {
        window
            .harness
            .key_press_modifiers(Modifiers::COMMAND, Key::Enter);
        window.settle();
    }

    #[test]
    fn the_sixth_endpoint_is_refused_and_the_limit_raised_without_losing_what_was_typed() {
        let mut window = full();
        window
            .harness
            .key_press_modifiers(Modifiers::COMMAND, Key::N);
        window.settle();
        window.type_into("Name", "sixth");
        submit(&mut window);
        assert!(window.says("There are 5 endpoints, as many as there may be"));
        window.press("Raise the limit…");
        let role = egui::Role::TextInput;
        let limit = "Client VPN endpoints";
        window.harness.get_by_role_and_label(role, limit);
        submit(&mut window);
        let sent = window.console.commands();
        assert!(
            matches!(sent.last(), Some(Command::ModifySettings(it)) if it.max_endpoints == Some(10)),
            "{sent:?}"
        );
        let name = window.harness.get_by_role_and_label(role, "Name");
        assert_eq!(name.accesskit_node().value().as_deref(), Some("sixth"));
        assert!(!window.says("as many as there may be"), "no longer so");
        submit(&mut window);
        assert!(window.says("Client VPN endpoint created"));
    }

    #[test]
    fn one_rule_and_one_route_too_many_offer_the_same() {
        for (tab, button, field, value, said, limit) in [
            (
                EndpointTab::Authorization,
                "Authorize ingress",
                "Destination network to enable access",
                "10.9.0.0/16",
                "50 authorization rules",
                "Authorization rules per endpoint",
            ),
            (
                EndpointTab::RouteTable,
                "Create Route",
                "Route destination",
                "10.9.0.0/16",
                "10 routes",
                "Routes per endpoint",
            ),
        ] {
            let mut window = full();
            window.show_endpoint(1, Some(tab));
            window.press(button);
            window.type_into(field, value);
            submit(&mut window);
            assert!(window.says(said), "{said}");
            window.press("Raise the limit…");
            window.harness.get_by_label(limit);
        }
    }
}

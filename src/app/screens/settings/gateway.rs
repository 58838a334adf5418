//! Where clients find the gateway, and how often keys are renewed.

use egui::Ui;

use super::{FIELD, section};
use crate::{
    app::{
        context::{Action, Context},
        form::Form,
        kit,
    },
    model::{self, Answer, Code, Command, Refusal, command::ModifySettings},
};

/// What of the settings is edited here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Draft {
    address: String,
    domain: String,
    rekey: String,
}

impl Draft {
    fn of(settings: &model::Settings) -> Self {
        Self {
            address: settings.public_address.clone().unwrap_or_default(),
            domain: settings.endpoint_domain.clone().unwrap_or_default(),
            rekey: settings.rekey_secs.to_string(),
        }
    }

    fn trimmed(&self) -> Self {
        Self {
            address: self.address.trim().to_owned(),
            domain: self.domain.trim().to_owned(),
            rekey: self.rekey.trim().to_owned(),
        }
    }
}

/// The section.
#[derive(Default)]
pub(super) struct Gateway {
    draft: Draft,
    /// What the draft was made of; it follows the service until it is edited.
    known: Option<Draft>,
    form: Form,
}

impl Gateway {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        if let Some(answer) = self.form.poll() {
            // The view may still be the one before; what was saved is what the answer says.
            if let Answer::Settings(saved) = answer {
                self.take(Draft::of(&saved));
            }
            cx.ask(Action::Toast("Settings saved".to_owned()));
        }
        self.follow(Draft::of(&cx.view.snapshot.settings));
        section(ui, "Gateway", |ui| {
            if let Some(refusal) = self.form.elsewhere() {
                kit::banner(kit::Tone::Danger, refusal).ui(ui);
            }
            self.fields(ui);
            self.buttons(cx, ui);
        });
    }

    fn fields(&mut self, ui: &mut Ui) {
        self.form.text(
            ui,
            ("PublicAddress", "Public address"),
            &mut self.draft.address,
            |field| {
                field.optional().hint("203.0.113.7").width(FIELD).help(
                    "The name or address that client configurations connect to. Without one, this machine's own address. Files handed out before keep what they have.",
                )
            },
        );
        self.form.text(
            ui,
            ("EndpointDomain", "Domain for endpoints"),
            &mut self.draft.domain,
            |field| {
                field.optional().hint("vpn.example.com").width(FIELD).help(
                    "As in AWS each endpoint then has a name of its own, and clients put a random label before it, so that no cache keeps an old address. It needs a DNS record for every name below it.",
                )
            },
        );
        let domain = self.draft.domain.trim();
        if !domain.is_empty() {
            ui.horizontal_wrapped(|ui| {
                kit::help(ui, "DNS record");
                kit::copyable(ui, "DNS record", &format!("*.{domain}"));
                kit::help(ui, "to this machine");
            });
        }
        self.form.text(
            ui,
            ("RekeySecs", "Seconds between rekeys"),
            &mut self.draft.rekey,
            |field| {
                field
                    .width(FIELD)
                    .help("A session's keys are renewed after this time: 10 to 86,400 seconds.")
            },
        );
    }

    fn buttons(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let same = (!self.is_changed()).then_some("Nothing was changed");
            let save = kit::button("Save").primary().form();
            if save
                .working(self.form.is_working())
                .disabled_because(same)
                .clicked(ui)
            {
                self.save(cx);
            }
            if self.is_changed()
                && kit::button("Discard").form().clicked(ui)
                && let Some(known) = self.known.clone()
            {
                self.take(known);
                self.form.forget();
            }
        });
    }

    /// Takes in what the service has now, but for what is being edited.
    fn follow(&mut self, now: Draft) {
        let Some(known) = &self.known else {
            return self.take(now);
        };
        if *known == now {
            return;
        }
        let draft = self.draft.trimmed();
        let follow = |field: &mut String, (typed, known): (&str, &str), now: &str| {
            if typed == known {
                now.clone_into(field);
            }
        };
        let address = (draft.address.as_str(), known.address.as_str());
        follow(&mut self.draft.address, address, &now.address);
        let domain = (draft.domain.as_str(), known.domain.as_str());
        follow(&mut self.draft.domain, domain, &now.domain);
        let rekey = (draft.rekey.as_str(), known.rekey.as_str());
        follow(&mut self.draft.rekey, rekey, &now.rekey);
        self.known = Some(now);
    }

    fn take(&mut self, draft: Draft) {
        self.draft = draft.clone();
        self.known = Some(draft);
    }

    fn is_changed(&self) -> bool {
        self.known
            .as_ref()
            .is_some_and(|known| *known != self.draft.trimmed())
    }

    fn save(&mut self, cx: &Context<'_>) {
        let draft = self.draft.trimmed();
        let Ok(rekey) = draft.rekey.parse::<u32>() else {
            let words = "Seconds between rekeys is a whole number, for example 3600";
            self.form.refuse(
                Refusal::new(Code::InvalidParameterValue, words)
                    .at("RekeySecs")
                    .cure("3600"),
            );
            return;
        };
        // Somebody else may have changed the others meanwhile.
        let known = self.known.clone().unwrap_or_default();
        let command = ModifySettings {
            public_address: (draft.address != known.address).then_some(draft.address),
            endpoint_domain: (draft.domain != known.domain).then_some(draft.domain),
            rekey_secs: (draft.rekey != known.rekey).then_some(rekey),
            ..ModifySettings::default()
        };
        self.form.send(cx, Command::ModifySettings(command));
    }
}

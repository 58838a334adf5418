//! Settings of the installation and of the window.

use egui::{ScrollArea, ThemePreference, Ui};

use super::Page;
use crate::{
    app::{
        context::{Action, Context, Screen},
        dialogs::{Dialog, Stay},
        form::Form,
        kit::{self, Choice, Value},
        state::ZOOM,
    },
    control::Link,
    model::{Answer, Code, Command, Refusal, command::ModifySettings},
};

/// The page.
#[derive(Default)]
pub struct Settings {
    address: String,
    rekey: String,
    /// What the drafts were made of; they follow the service until they are edited.
    known: Option<(Option<String>, u32)>,
    form: Form,
}

impl Page for Settings {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        if let Some(answer) = self.form.poll() {
            // The view may still be the one before; what was saved is what the answer says.
            if let Answer::Settings(saved) = answer {
                self.take(saved.public_address, saved.rekey_secs);
            }
            cx.ask(Action::Toast("Settings saved".to_owned()));
        }
        self.follow(cx);
        kit::page_head(ui, "Settings", "", "", |_| {});
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            egui::Frame::new()
                .inner_margin(egui::Margin {
                    left: 20,
                    right: 20,
                    top: 0,
                    bottom: 24,
                })
                .show(ui, |ui| {
                    ui.set_max_width(720.0);
                    ui.spacing_mut().item_spacing.y = 12.0;
                    self.gateway(cx, ui);
                    window(cx, ui);
                    limits(cx, ui);
                    installation(cx, ui);
                    licences(cx, ui);
                });
        });
    }
}

impl Settings {
    /// Takes over what the service has, unless something is being edited here.
    fn follow(&mut self, cx: &Context<'_>) {
        let settings = &cx.view.snapshot.settings;
        let now = (settings.public_address.clone(), settings.rekey_secs);
        if self.known.as_ref() != Some(&now) && !self.is_changed() {
            self.take(now.0, now.1);
        }
    }

    fn take(&mut self, address: Option<String>, rekey: u32) {
        self.address = address.clone().unwrap_or_default();
        self.rekey = rekey.to_string();
        self.known = Some((address, rekey));
    }

    fn is_changed(&self) -> bool {
        self.known.as_ref().is_some_and(|(address, rekey)| {
            self.address.trim() != address.as_deref().unwrap_or_default()
                || self.rekey.trim() != rekey.to_string()
        })
    }

    fn gateway(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        section(ui, "Gateway", |ui| {
            if let Some(refusal) = self.form.elsewhere() {
                kit::banner(kit::Tone::Danger, refusal).ui(ui);
            }
            self.form.text(
                ui,
                ("PublicAddress", "Public address"),
                &mut self.address,
                |field| {
                    field.optional().hint("vpn.example.com").width(FIELD).help(
                        "The name or address that client configurations connect to. Without one, this machine's own address. Files handed out before keep what they have.",
                    )
                },
            );
            self.form.text(
                ui,
                ("RekeySecs", "Seconds between rekeys"),
                &mut self.rekey,
                |field| {
                    field
                        .width(FIELD)
                        .help("A session's keys are renewed after this time: 10 to 86,400 seconds.")
                },
            );
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
                    && let Some((address, rekey)) = self.known.clone()
                {
                    self.take(address, rekey);
                    self.form.forget();
                }
            });
        });
    }

    fn save(&mut self, cx: &Context<'_>) {
        let Ok(rekey) = self.rekey.trim().parse::<u32>() else {
            let words = "Seconds between rekeys is a whole number, for example 3600";
            self.form.refuse(
                Refusal::new(Code::InvalidParameterValue, words)
                    .at("RekeySecs")
                    .cure("3600"),
            );
            return;
        };
        let command = ModifySettings {
            public_address: Some(self.address.trim().to_owned()),
            rekey_secs: Some(rekey),
            getting_started_done: None,
            ..ModifySettings::default()
        };
        self.form.send(cx, Command::ModifySettings(command));
    }
}

fn section(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui)) {
    kit::card(ui, 16, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 12.0;
        kit::panel_title(ui, title);
        add(ui);
    });
}

fn window(cx: &mut Context<'_>, ui: &mut Ui) {
    section(ui, "Window", |ui| {
        let themes = [
            (ThemePreference::System, "As the system has it"),
            (ThemePreference::Light, "Light"),
            (ThemePreference::Dark, "Dark"),
        ];
        labelled(ui, "Theme", |ui| {
            kit::segmented_form(ui, "Theme", &mut cx.prefs.theme, &themes);
        });
        let mut percent = (cx.prefs.zoom * 100.0).round() as u32;
        let before = percent;
        let mut choices: Vec<Choice<u32>> = [75, 90, 100, 110, 125, 150, 175, 200]
            .into_iter()
            .map(|percent| Choice::new(percent, format!("{percent} %")))
            .collect();
        if !choices.iter().any(|choice| choice.value == percent) {
            choices.push(Choice::new(percent, format!("{percent} %")));
        }
        kit::select(&mut percent, &choices)
            .label("Zoom")
            .width(160.0)
            .help("Also with Ctrl + and Ctrl −.")
            .ui(ui);
        if percent != before {
            cx.prefs.zoom = (percent as f32 / 100.0).clamp(*ZOOM.start(), *ZOOM.end());
        }
        labelled(ui, "Rows of lists", |ui| {
            let rows = [(false, "Dense"), (true, "Comfortable")];
            kit::segmented_form(ui, "Rows of lists", &mut cx.prefs.comfortable, &rows);
        });
        if cx.view.snapshot.settings.getting_started_done
            && kit::button("Show Getting Started again").clicked(ui)
        {
            let again = Command::ModifySettings(ModifySettings {
                getting_started_done: Some(false),
                ..ModifySettings::default()
            });
            cx.run(again, "Getting Started is back", None);
            cx.ask(Action::Go(Screen::GettingStarted));
        }
    });
}

fn labelled(ui: &mut Ui, label: &str, add: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        kit::fieldset(ui, label, "");
        add(ui);
    });
}

fn limits(cx: &Context<'_>, ui: &mut Ui) {
    let settings = &cx.view.snapshot.settings;
    let numbers = [
        settings.max_endpoints,
        settings.max_rules,
        settings.max_routes,
        settings.max_connections,
    ]
    .map(|number| crate::app::format::count(u64::from(number)));
    section(ui, "Limits", |ui| {
        kit::key_values(
            ui,
            &[
                ("Endpoints", Value::Text(&numbers[0])),
                ("Rules per endpoint", Value::Text(&numbers[1])),
                ("Routes per endpoint", Value::Text(&numbers[2])),
                ("Live connections", Value::Text(&numbers[3])),
            ],
        );
        kit::help(
            ui,
            "Rules, routes and live connections are counted for each endpoint; routes are those added by hand.",
        );
    });
}

fn installation(cx: &Context<'_>, ui: &mut Ui) {
    let settings = &cx.view.snapshot.settings;
    let socket = if cx.about.data_dir.is_empty() {
        String::new()
    } else {
        format!("{}/control.sock", cx.about.data_dir.trim_end_matches('/'))
    };
    let runs = match cx.link {
        Link::Embedded => "In this window: tunnels end when it closes".to_owned(),
        Link::Attached(owner) => format!("As {}, process {}", owner.name, owner.pid),
        Link::Unreachable { .. } => "Elsewhere; it does not answer".to_owned(),
    };
    section(ui, "Installation", |ui| {
        kit::key_values(
            ui,
            &[
                ("Machine", Value::Text(&cx.about.host)),
                ("The gateway runs", Value::Text(&runs)),
                ("Data directory", Value::Mono(&cx.about.data_dir)),
                ("Control socket", Value::Mono(&socket)),
                ("Region", Value::Mono(&settings.region)),
                ("Account ID", Value::Mono(&settings.account_id)),
                ("Version", Value::Text(env!("CARGO_PKG_VERSION"))),
            ],
        );
    });
}

fn licences(cx: &mut Context<'_>, ui: &mut Ui) {
    section(ui, "Licences", |ui| {
        let shown = "Show";
        let rows: Vec<_> = LICENCES
            .iter()
            .map(|licence| (licence.what, Value::Link(licence.name, shown)))
            .collect();
        if let Some(index) = kit::key_values(ui, &rows) {
            cx.open(LICENCES[index]);
        }
    });
}

/// A licence text that has to be handed on.
#[derive(Clone, Copy)]
struct Licence {
    what: &'static str,
    name: &'static str,
    text: &'static str,
}

const LICENCES: [Licence; 5] = [
    Licence {
        what: "Gatehouse",
        name: "MIT",
        text: include_str!("../../../LICENSE-MIT"),
    },
    Licence {
        what: "Gatehouse, or",
        name: "Apache 2.0",
        text: include_str!("../../../LICENSE-APACHE"),
    },
    Licence {
        what: "Inter font",
        name: "SIL Open Font License 1.1",
        text: include_str!("../../../assets/fonts/Inter-LICENSE.txt"),
    },
    Licence {
        what: "JetBrains Mono",
        name: "SIL Open Font License 1.1",
        text: include_str!("../../../assets/fonts/JetBrainsMono-LICENSE.txt"),
    },
    Licence {
        what: "Phosphor icons",
        name: "MIT",
        text: include_str!("../../../assets/fonts/Phosphor-LICENSE.txt"),
    },
];

impl Dialog for Licence {
    fn ui(&mut self, _cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let title = format!("Licence of {}", self.what.trim_end_matches(", or"));
        let shown = kit::form_dialog(&title, "Close").show(ctx, |ui| {
            kit::body(ui, self.text);
        });
        match shown {
            kit::Dialog::Open => Stay::Open,
            kit::Dialog::Submitted | kit::Dialog::Closed => Stay::Closed,
        }
    }
}

/// Width of a field of the page, in points.
const FIELD: f32 = 420.0;

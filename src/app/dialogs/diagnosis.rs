//! What this machine does to the traffic of clients: what was found, the worst first, and what
//! would mend it.

use egui::Ui;

use super::{Dialog, Stay, sheet::sheet};
use crate::{
    app::{
        backend::Work,
        context::Context,
        form,
        kit::{self, Tone, icons},
        shell::plural,
    },
    model::{Answer, Command, Finding, Refusal, Severity},
};

/// The sheet; it looks as soon as it is open, and again when asked to.
#[derive(Default)]
pub struct Diagnosis {
    work: Work<Answer>,
    found: Option<Result<Vec<Finding>, Refusal>>,
}

impl Diagnosis {
    fn poll(&mut self, cx: &Context<'_>) {
        if let Some(outcome) = self.work.poll() {
            self.found = Some(outcome.and_then(|answer| match answer {
                Answer::Diagnosis(mut findings) => {
                    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
                    Ok(findings)
                }
                _ => Err(form::unexpected()),
            }));
        }
        if self.found.is_none() && !self.work.is_running() {
            self.look(cx);
        }
    }

    fn look(&mut self, cx: &Context<'_>) {
        self.work.start(cx.backend.call(Command::Diagnose));
    }
}

impl Dialog for Diagnosis {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        self.poll(cx);
        sheet(ctx, "Diagnosis", |ui| {
            ui.spacing_mut().item_spacing.y = 10.0;
            kit::help(
                ui,
                "What this machine does to the traffic of clients, from the firewall to the routes.",
            );
            let again = kit::button("Look again").icon(icons::ARROW_COUNTER_CLOCKWISE);
            if again.working(self.work.is_running()).clicked(ui) {
                self.look(cx);
            }
            match &self.found {
                None => drop(kit::help(ui, "Looking…")),
                Some(Err(refusal)) => {
                    kit::banner(Tone::Danger, "This cannot be looked at")
                        .body(&refusal.message)
                        .ui(ui);
                }
                Some(Ok(findings)) => list(ui, findings),
            }
        })
    }
}

fn list(ui: &mut Ui, findings: &[Finding]) {
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let said = match (count(Severity::Problem), count(Severity::Warning)) {
        (0, 0) => "Nothing keeps traffic from passing".to_owned(),
        (problems, warnings) => format!(
            "{}, {}",
            plural(problems, "problem", "problems"),
            plural(warnings, "warning", "warnings")
        ),
    };
    kit::strong(ui, &said);
    for finding in findings {
        ui.push_id(&finding.check, |ui| one(ui, finding));
    }
}

fn one(ui: &mut Ui, finding: &Finding) {
    kit::card(ui, 12, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 6.0;
        let (tone, word) = match finding.severity {
            Severity::Good => (Tone::Success, "Good"),
            Severity::Warning => (Tone::Warning, "Warning"),
            Severity::Problem => (Tone::Danger, "Problem"),
        };
        kit::status(tone, word).because(&finding.check).ui(ui);
        kit::body(ui, &finding.sentence);
        if let Some(mend) = &finding.mend {
            kit::help(ui, mend);
        }
        if let Some(commands) = &finding.commands {
            for command in commands.lines().filter(|line| !line.trim().is_empty()) {
                kit::mono(ui, command);
            }
            if kit::button("Copy commands").icon(icons::COPY).clicked(ui) {
                ui.ctx().copy_text(commands.clone());
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::testing::{FakeConsole, Window, sample};

    fn finding(severity: Severity, sentence: &str) -> Finding {
        Finding {
            check: sentence.to_owned(),
            severity,
            sentence: sentence.to_owned(),
            mend: (severity != Severity::Good).then(|| "Open the chain.".to_owned()),
            commands: (severity == Severity::Problem).then(|| "nft list ruleset".to_owned()),
        }
    }

    #[test]
    fn findings_are_shown_the_worst_first_with_their_mend_and_looked_for_again() {
        let (snapshot, live) = sample::office();
        let console = FakeConsole::new(snapshot, live);
        console.answer(|request| {
            (request.command == Command::Diagnose).then(|| {
                Ok(Answer::Diagnosis(vec![
                    finding(Severity::Good, "Forwarding is on."),
                    finding(
                        Severity::Problem,
                        "Another firewall drops what is forwarded.",
                    ),
                ]))
            })
        });
        let mut window = Window::open(console);
        let app = window.harness.state_mut().as_mut().unwrap();
        app.open(Diagnosis::default());
        window.settle();
        let harness = &window.harness;
        harness.get_by_label("1 problem, 0 warnings");
        harness.get_by_label("nft list ruleset");
        let bad = harness.get_by_label("Another firewall drops what is forwarded.");
        let good = harness.get_by_label("Forwarding is on.");
        assert!(bad.rect().top() < good.rect().top());
        window.press("Look again");
        assert_eq!(window.console.commands().len(), 2);
    }
}

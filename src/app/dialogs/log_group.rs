//! Log groups and streams: make one, and say for how long events are kept.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        kit::Choice,
    },
    model::{
        Command, LogGroup, Refusal,
        command::{LogGroupName, LogStreamName, PutRetentionPolicy},
    },
};

const GROUP: (&str, &str) = ("logGroupName", "Name");
const STREAM: (&str, &str) = ("logStreamName", "Name");
const RETENTION: (&str, &str) = ("retentionInDays", "Keep events for");

/// Asks for the name of a log group.
#[derive(Debug, Default)]
pub struct CreateLogGroup {
    name: String,
    form: DialogForm,
}

impl FormDialog for CreateLogGroup {
    fn title(&self) -> String {
        "Create log group".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create log group"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, GROUP, &mut self.name, |field| {
            field
                .hint("client-vpn")
                .help("Endpoints write their connection log to a stream of it.")
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let name = self.name.trim();
        let command = Command::CreateLogGroup(LogGroupName {
            log_group_name: name.to_owned(),
        });
        Ok(Act::command(command, format!("{name} created")))
    }
}

/// Asks for the name of a stream of a log group.
#[derive(Debug)]
pub struct CreateLogStream {
    group: String,
    name: String,
    form: DialogForm,
}

impl CreateLogStream {
    /// For a stream of this group.
    #[must_use]
    pub fn new(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            name: String::new(),
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for CreateLogStream {
    fn title(&self) -> String {
        format!("Create log stream of {}", self.group)
    }

    fn verb(&self) -> &'static str {
        "Create log stream"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, STREAM, &mut self.name, |field| field.hint("office"));
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let name = self.name.trim();
        let command = Command::CreateLogStream(LogStreamName {
            log_group_name: self.group.clone(),
            log_stream_name: name.to_owned(),
        });
        Ok(Act::command(command, format!("{name} created")))
    }
}

/// Asks for how many days the events of a group are kept.
#[derive(Debug)]
pub struct SetRetention {
    group: String,
    days: Option<u32>,
    form: DialogForm,
}

impl SetRetention {
    /// Of this group, as it is now.
    #[must_use]
    pub fn new(group: &LogGroup) -> Self {
        Self {
            group: group.name.clone(),
            days: group.retention_days,
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for SetRetention {
    fn title(&self) -> String {
        format!("How long {} keeps events", self.group)
    }

    fn verb(&self) -> &'static str {
        "Save"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let mut choices: Vec<_> = [None]
            .into_iter()
            .chain(DAYS.map(Some))
            .map(|days| Choice::new(days, kept_for(days)))
            .collect();
        if !choices.iter().any(|choice| choice.value == self.days) {
            choices.push(Choice::new(self.days, kept_for(self.days)));
        }
        form.choose(ui, RETENTION, &mut self.days, &choices, |field| {
            field.help("Older events are deleted. A group keeps a million events at most.")
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::PutRetentionPolicy(PutRetentionPolicy {
            log_group_name: self.group.clone(),
            retention_in_days: self.days,
        });
        let kept = kept_for(self.days).to_lowercase();
        let done = format!(
            "{} keeps events {}",
            self.group,
            match self.days {
                None => kept,
                Some(_) => format!("for {kept}"),
            }
        );
        Ok(Act::command(command, done))
    }
}

/// How long, in words.
#[must_use]
pub fn kept_for(days: Option<u32>) -> String {
    match days {
        None => "For good".to_owned(),
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
    }
}

/// What is offered of the numbers that CloudWatch Logs takes.
const DAYS: [u32; 12] = [1, 3, 7, 14, 30, 60, 90, 180, 365, 731, 1827, 3653];

//! The command line: AWS's names and options, answers in AWS's shapes.
//!
//! [`args`] is what was typed, [`command`] what it means, [`output`] the only printing. Exit
//! status 0; 1 for a refusal, with `{"Error": {"Code", "Message"}}` on standard error, and where what
//! was looked at is not well; 2 for a command line that is not understood.

pub mod args;
mod backup;
pub mod command;
pub mod connect;
mod issue_many;
mod logs;
mod output;
mod scenario;
pub mod shorthand;
mod sign;

use std::{error::Error, path::Path, process::ExitCode, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

pub use self::{
    args::{Args, Common},
    backup::backup,
    command::{Action, Call},
    issue_many::issue_many,
    logs::search,
    scenario::scenario,
    sign::sign,
};
use crate::{
    api::shape,
    clock,
    control::{
        Access, AttachError, Console, Face, Follow, Host, HostOptions, Link, ModeChoice, Remote,
        lock::current_owner,
    },
    model::{Answer, AssociationState, Request, Severity, View},
};

/// Understands what was typed; prints what is wrong with it.
///
/// # Errors
/// Exit status 2; 1 for what is understood, and refused.
pub fn understand(args: Args) -> Result<(Common, Action), ExitCode> {
    let usage = |message: &str| {
        output::usage(message);
        ExitCode::from(2)
    };
    let action = command::understand(args.face).map_err(|error| match error {
        command::UsageError::Refused(refusal) => {
            output::refusal(&refusal);
            ExitCode::FAILURE
        }
        error => usage(&error.to_string()),
    })?;
    let needs_gateway = match action {
        Action::Window | Action::Serve(_) => true,
        Action::Status { wait } => wait.is_some(),
        Action::Connect(_)
        | Action::Call(_)
        | Action::IssueMany(_)
        | Action::Search(_)
        | Action::Sign(_)
        | Action::Backup(_)
        | Action::Scenario { .. } => false,
    };
    if args.common.offline && needs_gateway {
        return Err(usage(
            "--offline is for one command without a gateway; here a gateway is what is asked for",
        ));
    }
    Ok((args.common, action))
}

/// Prints a failure that ends the program, with what caused it, and answers its exit status.
pub fn fail(error: &dyn Error) -> ExitCode {
    output::failure("Unavailable", &with_causes(error));
    ExitCode::FAILURE
}

/// Sends a command to the owner of the data directory, or to the directory itself, and prints its
/// answer.
pub async fn call(data_dir: &Path, common: &Common, call: Call) -> ExitCode {
    let (console, host) = match open(data_dir, common, Follow::Nothing).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let command = call.request.command.clone();
    let result = console.call(call.request).await;
    close(console, host).await;
    match result {
        Ok(answer) => {
            let shape = (call.shape)(&command, &answer, clock::now());
            match printed(output::answer(common.output, &answer, &shape)) {
                ExitCode::SUCCESS => verdict(&answer),
                code => code,
            }
        }
        Err(refusal) => {
            output::refusal(&refusal);
            ExitCode::FAILURE
        }
    }
}

/// Whether an answer that says how things are says that they are well.
fn verdict(answer: &Answer) -> ExitCode {
    let is_bad = match answer {
        Answer::Diagnosis(findings) => findings.iter().any(|it| it.severity == Severity::Problem),
        Answer::ConnectionTest(test) => !test.passed,
        _ => false,
    };
    if is_bad {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Lets go of what [`open`] opened.
async fn close(console: Arc<dyn Console>, host: Option<Host>) {
    drop(console);
    if let Some(host) = host {
        host.stop().await;
    }
}

/// Prints the status; with `wait`, once what runs matches the configuration.
pub async fn status(data_dir: &Path, common: &Common, wait: Option<Duration>) -> ExitCode {
    let Some(patience) = wait else {
        let request = Request::from(crate::model::Command::DescribeStatus);
        let shape = shape::answer_to;
        return call(data_dir, common, Call { request, shape }).await;
    };
    let until = Instant::now() + patience;
    wait_for_owner(data_dir, until).await;
    let (console, _) = match open(data_dir, common, Follow::Views).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let settled = timeout_at(until, settle(&*console)).await;
    let view = Arc::clone(&console.views().borrow());
    match settled {
        Ok(Ok(())) => {
            let shape = shape::answer(&Answer::View(Box::new((*view).clone())), clock::now());
            printed(output::value(common.output, &shape))
        }
        Ok(Err(reason)) => {
            output::failure("association-failed", &reason);
            ExitCode::FAILURE
        }
        Err(_) => {
            output::failure("Timeout", &unsettled(&view, patience));
            ExitCode::FAILURE
        }
    }
}

/// Waits for somebody to own the data directory: one who starts a gateway and waits for it at once
/// may be ahead of it.
async fn wait_for_owner(data_dir: &Path, until: Instant) {
    while Instant::now() < until && matches!(current_owner(data_dir), Ok(None)) {
        sleep(POLL).await;
    }
}

/// Waits until what runs matches the configuration.
///
/// # Errors
/// Why an association cannot be made, or why nobody will make it any more.
async fn settle(console: &dyn Console) -> Result<(), String> {
    let (mut views, mut link) = (console.views(), console.link());
    loop {
        let view = Arc::clone(&views.borrow_and_update());
        if let Some(reason) = failed_association(&view) {
            return Err(reason);
        }
        if view.is_settled() {
            return Ok(());
        }
        if let Link::Unreachable { reason, .. } = &*link.borrow_and_update() {
            return Err(format!("The gateway went away: {reason}"));
        }
        tokio::select! {
            changed = views.changed() => changed.map_err(|_| GONE.to_owned())?,
            changed = link.changed() => changed.map_err(|_| GONE.to_owned())?,
        }
    }
}

/// The first association that the running gateway has tried and could not make. What an earlier
/// one could not is not its word.
fn failed_association(view: &View) -> Option<String> {
    let gateway = &view.live.gateway;
    if gateway.mode.is_none() || gateway.applied_seq < view.snapshot.seq {
        return None;
    }
    view.snapshot.associations.values().find_map(|association| {
        let AssociationState::Failed { reason } = &association.state else {
            return None;
        };
        Some(format!("{}: {reason}", association.id))
    })
}

fn unsettled(view: &View, patience: Duration) -> String {
    let secs = patience.as_secs();
    if view.live.gateway.mode.is_none() {
        return format!("After {secs} s the gateway has not started; look at its log");
    }
    format!(
        "After {secs} s what runs is at change {} and the configuration at {}; \
         give it longer with --timeout, or look at the gateway's log",
        view.live.gateway.applied_seq, view.snapshot.seq
    )
}

/// Attaches to the owner of the data directory; with `--offline`, becomes it.
async fn open(
    data_dir: &Path,
    common: &Common,
    follow: Follow,
) -> Result<(Arc<dyn Console>, Option<Host>), ExitCode> {
    if common.offline {
        let options = HostOptions {
            data_dir: data_dir.to_owned(),
            network: ModeChoice::Auto,
            name: "gatehouse --offline".to_owned(),
            face: Face::Cli,
            access: Access::User,
        };
        let host = Host::offline(&options)
            .await
            .map_err(|error| fail(&error))?;
        return Ok((host.console(), Some(host)));
    }
    match Remote::attach(data_dir, Face::Cli, follow).await {
        Ok(remote) => Ok((Arc::new(remote), None)),
        Err(error @ AttachError::NotRunning { .. }) => {
            output::failure(
                "Unavailable",
                &format!(
                    "{error}. Start one with: gatehouse --data-dir {} serve; \
                     or add --offline to open the directory itself for this command",
                    data_dir.display()
                ),
            );
            Err(ExitCode::FAILURE)
        }
        Err(error) => Err(fail(&error)),
    }
}

fn printed(result: std::io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!("Carried out, but the answer cannot be printed: {error}");
            output::failure("Unavailable", &message);
            ExitCode::FAILURE
        }
    }
}

/// An error and, after colons, what caused it.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some errors repeat their cause in their own words.
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

/// The pause between looks whether somebody owns the data directory.
const POLL: Duration = Duration::from_millis(50);
/// What is said where nothing will come any more.
const GONE: &str = "The gateway stopped";

//! `gatehouse scenario`: what a scenario of the guide lacks, as commands to paste, or carried out.

use std::{path::Path, process::ExitCode, sync::Arc};

use serde_json::{Value, json};

use super::{args::Common, close, command::line, open, output, printed};
use crate::{
    api::shape,
    control::{Console, Follow},
    model::{
        Answer, Code, Command, Refusal, Request, Scenario, ScenarioStep, scenario::DescribeScenario,
    },
};

/// Prints how far a scenario has come; with `apply`, after carrying out what is missing.
pub async fn scenario(
    data_dir: &Path,
    common: &Common,
    of: DescribeScenario,
    apply: bool,
) -> ExitCode {
    let (console, host) = match open(data_dir, common, Follow::Nothing).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let mut done = apply.then(Applied::default);
    let result = match &mut done {
        Some(done) => carry_out(&console, &of, done).await,
        None => Ok(()),
    };
    let now = describe(&console, &of).await;
    close(console, host).await;
    // Where the description itself was refused, there is nothing else to show.
    if let Ok(now) = &now {
        let shape = as_lines(now, common, done.as_ref());
        let code = printed(output::value(common.output, &shape));
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    match result.and(now) {
        Ok(now) => verdict(&now, apply),
        Err(refusal) => {
            output::refusal(&refusal);
            ExitCode::FAILURE
        }
    }
}

/// Whoever has a scenario carried out relies on it: what is missing still is a failure. Who only
/// looks has been told.
fn verdict(now: &Scenario, apply: bool) -> ExitCode {
    if apply && !now.is_complete() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What carrying out came to.
#[derive(Debug, Default, PartialEq)]
struct Applied {
    /// The commands, in order.
    commands: Vec<Command>,
    /// Why it was not gone on with, as a sentence.
    stopped: Option<String>,
}

/// Carries out what is offered, looking again after each command: what is offered next may follow
/// from it. Ends where nothing is offered that was not carried out already, and before a step that
/// takes something away from somebody: that is for who has read what.
///
/// # Errors
/// The first refusal.
async fn carry_out(
    console: &Arc<dyn Console>,
    of: &DescribeScenario,
    done: &mut Applied,
) -> Result<(), Refusal> {
    loop {
        let steps = describe(console, of).await?.steps;
        let next = steps.iter().find_map(|step| {
            let mut fresh = step.offer.iter().filter(|it| !done.commands.contains(it));
            fresh.next().map(|offer| (step, offer))
        });
        let Some((step, offer)) = next else {
            return Ok(());
        };
        if step.replaces {
            done.stopped = Some(by_hand(step));
            return Ok(());
        }
        console.call(offer.clone().into()).await?;
        done.commands.push(offer.clone());
    }
}

fn by_hand(step: &ScenarioStep) -> String {
    format!(
        "The step {} takes something away from somebody, or undoes what was made otherwise: read its \
         sentence, look at its commands with gatehouse preview, carry them out by hand, and then \
         ask for the rest again.",
        step.name
    )
}

async fn describe(console: &Arc<dyn Console>, of: &DescribeScenario) -> Result<Scenario, Refusal> {
    let request = Request::from(Command::DescribeScenario(of.clone()));
    match console.call(request).await? {
        Answer::Scenario(it) => Ok(it),
        other => Err(Refusal::new(
            Code::InternalError,
            format!("The gateway answered something else than a scenario: {other:?}"),
        )),
    }
}

/// Its shape, with commands as lines; and what was carried out, where that was asked for.
fn as_lines(it: &Scenario, common: &Common, done: Option<&Applied>) -> Value {
    let words = |command: &Command| pasted(command, common);
    let mut shape = shape::scenario(it, words);
    if let (Some(done), Some(shape)) = (done, shape.as_object_mut()) {
        let lines: Vec<String> = done.commands.iter().map(words).collect();
        shape.insert("Applied".to_owned(), json!(lines));
        if let Some(why) = &done.stopped {
            shape.insert("Stopped".to_owned(), json!(why));
        }
    }
    shape
}

/// A whole command line, on the data directory that this one was given.
fn pasted(command: &Command, common: &Common) -> String {
    // What a scenario offers always has a line; else its name is better than nothing.
    let Some(line) = line::of(command) else {
        return command.action().to_owned();
    };
    let mut whole = "gatehouse ".to_owned();
    if let Some(data_dir) = &common.data_dir {
        let data_dir = line::quoted(&data_dir.to_string_lossy());
        whole.push_str(&format!("--data-dir {data_dir} "));
    }
    if common.offline {
        whole.push_str("--offline ");
    }
    whole + &line
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::watch;

    use super::*;
    use crate::{
        control::{BoxFuture, Link},
        model::{ScenarioKind, View, command::ById},
    };

    /// A service whose only scenario needs some deletions in order. It refuses that of `vpc-no`,
    /// carries out that of `vpc-in-vain` without effect, says that of `vpc-used` takes something
    /// away, and offers each only after the one before.
    struct Needs {
        open: Mutex<Vec<&'static str>>,
    }

    impl Needs {
        fn console(ids: &[&'static str]) -> Arc<dyn Console> {
            let open = Mutex::new(ids.to_vec());
            Arc::new(Self { open })
        }

        fn answer(&self, command: &Command) -> Result<Answer, Refusal> {
            let mut open = self.open.lock().unwrap();
            match command {
                Command::DescribeScenario(_) => {
                    let steps = open.iter().enumerate();
                    let steps = steps.map(|(at, id)| step(id, at == 0)).collect();
                    Ok(Answer::Scenario(Scenario {
                        scenario: ScenarioKind::Vpc,
                        steps,
                    }))
                }
                Command::DeleteVpc(it) if it.id == "vpc-no" => {
                    Err(Refusal::new(Code::VpcNotFound, "There is no such VPC"))
                }
                Command::DeleteVpc(it) => {
                    open.retain(|id| *id == "vpc-in-vain" || *id != it.id);
                    Ok(Answer::Done)
                }
                other => panic!("{other:?}"),
            }
        }
    }

    impl Console for Needs {
        fn call(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refusal>> {
            Box::pin(async move { self.answer(&request.command) })
        }

        fn views(&self) -> watch::Receiver<Arc<View>> {
            watch::channel(Arc::default()).1
        }

        fn link(&self) -> watch::Receiver<Link> {
            watch::channel(Link::Embedded).1
        }
    }

    fn delete(id: &str) -> Command {
        Command::DeleteVpc(ById { id: id.to_owned() })
    }

    fn step(id: &str, is_offered: bool) -> ScenarioStep {
        ScenarioStep {
            name: id.to_owned(),
            title: id.to_owned(),
            is_done: false,
            sentence: String::new(),
            offer: if is_offered { vec![delete(id)] } else { vec![] },
            replaces: id == "vpc-used",
        }
    }

    async fn carried_out(ids: &[&'static str]) -> (Result<(), Refusal>, Applied) {
        let mut done = Applied::default();
        let of = DescribeScenario::default();
        let result = carry_out(&Needs::console(ids), &of, &mut done).await;
        (result, done)
    }

    #[tokio::test]
    async fn what_is_offered_next_is_carried_out_until_nothing_is() {
        let (result, done) = carried_out(&["vpc-1", "vpc-2"]).await;
        assert_eq!(result, Ok(()));
        assert_eq!(done.commands, [delete("vpc-1"), delete("vpc-2")]);
        assert_eq!(done.stopped, None);
    }

    #[tokio::test]
    async fn what_takes_something_away_is_left_to_be_done_by_hand() {
        let (result, done) = carried_out(&["vpc-1", "vpc-used", "vpc-2"]).await;
        assert_eq!(result, Ok(()));
        assert_eq!(done.commands, [delete("vpc-1")]);
        let scenario = Scenario {
            scenario: ScenarioKind::Vpc,
            steps: vec![step("vpc-used", true)],
        };
        let shape = as_lines(&scenario, &Common::default(), Some(&done));
        let why = shape["Stopped"].as_str().unwrap();
        assert!(
            why.starts_with("The step vpc-used takes something away"),
            "{why}"
        );
        assert_eq!(shape["Steps"][0]["Replaces"], true);
    }

    #[test]
    fn what_is_missing_still_fails_who_had_it_carried_out() {
        let mut now = Scenario {
            scenario: ScenarioKind::Vpc,
            steps: vec![step("vpc-1", false)],
        };
        assert_eq!(verdict(&now, true), ExitCode::FAILURE);
        assert_eq!(verdict(&now, false), ExitCode::SUCCESS);
        now.steps[0].is_done = true;
        assert_eq!(verdict(&now, true), ExitCode::SUCCESS);
    }

    #[tokio::test]
    async fn the_first_refusal_ends_it_and_what_was_done_is_known() {
        let (result, done) = carried_out(&["vpc-1", "vpc-no", "vpc-2"]).await;
        assert_eq!(result.unwrap_err().code, Code::VpcNotFound);
        assert_eq!(done.commands, [delete("vpc-1")]);
    }

    #[tokio::test]
    async fn what_does_not_help_is_not_done_again() {
        let (result, done) = carried_out(&["vpc-in-vain"]).await;
        assert_eq!(result, Ok(()));
        assert_eq!(done.commands, [delete("vpc-in-vain")]);
    }

    #[test]
    fn lines_are_for_the_data_directory_that_was_given() {
        let mut common = Common::default();
        let command = delete("vpc-1");
        assert_eq!(
            pasted(&command, &common),
            "gatehouse ec2 delete-vpc --vpc-id vpc-1"
        );
        common.data_dir = Some("/srv/my vpn".into());
        common.offline = true;
        assert_eq!(
            pasted(&command, &common),
            "gatehouse --data-dir '/srv/my vpn' --offline ec2 delete-vpc --vpc-id vpc-1"
        );
    }
}

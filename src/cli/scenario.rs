//! `gatehouse scenario`: what a scenario of the guide lacks, as commands to paste, or carried out.

use std::{path::Path, process::ExitCode, sync::Arc};

use serde_json::{Value, json};

use super::{args::Common, close, command::line, open, output, printed};
use crate::{
    api::shape,
    control::{Console, Follow},
    model::{Answer, Code, Command, Refusal, Request, Scenario, scenario::DescribeScenario},
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
    let mut applied = Vec::new();
    let result = if apply {
        carry_out(&console, &of, &mut applied).await
    } else {
        Ok(())
    };
    let now = describe(&console, &of).await;
    close(console, host).await;
    // Where the description itself was refused, there is nothing else to show.
    if let Ok(now) = &now {
        let shape = as_lines(now, common, apply.then_some(&applied));
        let code = printed(output::value(common.output, &shape));
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    match result.and(now.map(drop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            output::refusal(&refusal);
            ExitCode::FAILURE
        }
    }
}

/// Carries out what is offered, looking again after each command: what is offered next may follow
/// from it. Ends where nothing is offered that was not carried out already.
///
/// # Errors
/// The first refusal.
async fn carry_out(
    console: &Arc<dyn Console>,
    of: &DescribeScenario,
    applied: &mut Vec<Command>,
) -> Result<(), Refusal> {
    loop {
        let offers = describe(console, of).await?.steps.into_iter();
        let mut offers = offers.flat_map(|step| step.offer);
        let Some(next) = offers.find(|offer| !applied.contains(offer)) else {
            return Ok(());
        };
        console.call(next.clone().into()).await?;
        applied.push(next);
    }
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
fn as_lines(it: &Scenario, common: &Common, applied: Option<&Vec<Command>>) -> Value {
    let words = |command: &Command| pasted(command, common);
    let mut shape = shape::scenario(it, words);
    if let (Some(applied), Some(shape)) = (applied, shape.as_object_mut()) {
        let lines: Vec<String> = applied.iter().map(words).collect();
        shape.insert("Applied".to_owned(), json!(lines));
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
        model::{ScenarioKind, ScenarioStep, View, command::ById},
    };

    /// A service whose only scenario needs some deletions in order. It refuses that of `vpc-no`,
    /// carries out that of `vpc-in-vain` without effect, and offers each only after the one before.
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
        }
    }

    async fn carried_out(ids: &[&'static str]) -> (Result<(), Refusal>, Vec<Command>) {
        let mut applied = Vec::new();
        let of = DescribeScenario::default();
        let result = carry_out(&Needs::console(ids), &of, &mut applied).await;
        (result, applied)
    }

    #[tokio::test]
    async fn what_is_offered_next_is_carried_out_until_nothing_is() {
        let (result, applied) = carried_out(&["vpc-1", "vpc-2"]).await;
        assert_eq!(result, Ok(()));
        assert_eq!(applied, [delete("vpc-1"), delete("vpc-2")]);
    }

    #[tokio::test]
    async fn the_first_refusal_ends_it_and_what_was_done_is_known() {
        let (result, applied) = carried_out(&["vpc-1", "vpc-no", "vpc-2"]).await;
        assert_eq!(result.unwrap_err().code, Code::VpcNotFound);
        assert_eq!(applied, [delete("vpc-1")]);
    }

    #[tokio::test]
    async fn what_does_not_help_is_not_done_again() {
        let (result, applied) = carried_out(&["vpc-in-vain"]).await;
        assert_eq!(result, Ok(()));
        assert_eq!(applied, [delete("vpc-in-vain")]);
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

//! The `gatehouse` program: one binary, several faces.

use std::{io::IsTerminal as _, process::ExitCode, time::Duration};

use clap::Parser as _;
use gatehouse::{
    app,
    cli::{self, Action, Args},
    config::Config,
    control::{Access, Face, HostOptions, ModeChoice, host},
};
use tokio::runtime;

fn main() -> ExitCode {
    let (common, action) = match cli::understand(Args::parse()) {
        Ok(understood) => understood,
        Err(code) => return code,
    };
    let config = match Config::read(common.data_dir.clone()) {
        Ok(config) => config,
        Err(error) => return cli::fail(&error),
    };
    let threads = match &action {
        Action::Serve(_) => runtime::Builder::new_multi_thread(),
        Action::Window
        | Action::Status { .. }
        | Action::Connect(_)
        | Action::Call(_)
        | Action::IssueMany(_)
        | Action::Backup(_)
        | Action::Search(_)
        | Action::Sign(_)
        | Action::Scenario { .. } => runtime::Builder::new_current_thread(),
    }
    .enable_all()
    .build();
    let runtime = match threads {
        Ok(runtime) => runtime,
        Err(error) => return cli::fail(&error),
    };
    match action {
        Action::Window => window(&config),
        Action::Serve(network) => {
            let code = runtime.block_on(serve(&config, network));
            // What hangs in spite of its time limit must not keep the program from ending.
            runtime.shutdown_timeout(LAST_WORDS);
            code
        }
        Action::Status { wait } => runtime.block_on(cli::status(&config.data_dir, &common, wait)),
        Action::Connect(connect) => runtime.block_on(cli::connect::run(*connect, common.output)),
        Action::Call(call) => runtime.block_on(cli::call(&config.data_dir, &common, *call)),
        Action::IssueMany(many) => {
            runtime.block_on(cli::issue_many(&config.data_dir, &common, *many))
        }
        Action::Search(search) => runtime.block_on(cli::search(&config.data_dir, &common, *search)),
        Action::Sign(command) => runtime.block_on(cli::sign(&config.data_dir, &common, *command)),
        Action::Backup(what) => runtime.block_on(cli::backup(&config.data_dir, &common, what)),
        Action::Scenario { of, apply } => {
            runtime.block_on(cli::scenario(&config.data_dir, &common, of, apply))
        }
    }
}

/// The window brings a runtime of its own, which outlives it until the gateway has stopped.
fn window(config: &Config) -> ExitCode {
    log_to_stderr(config);
    let options = app::Options {
        data_dir: config.data_dir.clone(),
        network: ModeChoice::Auto,
    };
    match app::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::fail(&error),
    }
}

async fn serve(config: &Config, network: ModeChoice) -> ExitCode {
    log_to_stderr(config);
    let options = HostOptions {
        data_dir: config.data_dir.clone(),
        network,
        name: "gatehouse serve".to_owned(),
        face: Face::Cli,
        access: if config.is_system_service {
            Access::Group
        } else {
            Access::User
        },
    };
    match host::serve(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::fail(&error),
    }
}

/// Logs for people and service managers; the latter put the time before each line themselves.
fn log_to_stderr(config: &Config) {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(tracing_subscriber::EnvFilter::new(&config.log_filter));
    if config.is_system_service {
        subscriber.without_time().init();
    } else {
        subscriber.init();
    }
}

/// How long tasks may still run once everything was told to stop.
const LAST_WORDS: Duration = Duration::from_secs(2);

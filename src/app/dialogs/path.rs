//! A file's place, typed: what the window asks where the system shows no file dialog.

use std::path::{Path, PathBuf};

use super::{Dialog, Stay};
use crate::{
    app::{
        backend::Work,
        context::Context,
        files::{Purpose, Question},
        kit,
    },
    model::{Code, Refusal},
};

/// The dialog. What becomes of it is told to whoever asked; closed, it says "none".
pub struct TypePath {
    question: Question,
    typed: String,
    error: Option<String>,
    /// The file that is there already and that was asked about.
    replace: Option<PathBuf>,
    looking: Work<Found>,
}

/// What is at a place.
enum Found {
    /// It will do.
    Fits(PathBuf),
    /// There is a file already.
    Taken(PathBuf),
}

impl TypePath {
    /// Asks `question`, beginning with what it proposes.
    #[must_use]
    pub fn new(question: Question) -> Self {
        Self {
            typed: question.proposed.display().to_string(),
            question,
            error: None,
            replace: None,
            looking: Work::default(),
        }
    }

    /// Off the drawing thread: a folder may be on a slow disk.
    fn look(&mut self, cx: &Context<'_>) {
        self.error = None;
        let purpose = self.question.purpose;
        let (typed, replace) = (self.typed.trim().to_owned(), self.replace.take());
        self.looking.start(
            cx.backend
                .spawn(async move { look(purpose, &typed, replace.as_deref()) }),
        );
    }

    fn fields(&mut self, ui: &mut egui::Ui) {
        let help = match self.question.purpose {
            Purpose::Save => "The whole path of the new file. This desktop shows no file dialog.",
            Purpose::Open => "The whole path of the file. This desktop shows no file dialog.",
            Purpose::Folder => "The whole path of the folder. This desktop shows no file dialog.",
        };
        let (label, hint) = match self.question.purpose {
            Purpose::Folder => ("Folder", "/home/me/Downloads"),
            Purpose::Save | Purpose::Open => ("File", "/home/me/Downloads/corp-staff.ovpn"),
        };
        let field = kit::text_field(&mut self.typed)
            .label(label)
            .hint(hint)
            .mono()
            .help(help)
            .error(self.error.as_deref())
            .ui(ui);
        if field.response.changed() {
            self.error = None;
            self.replace = None;
        }
    }
}

impl Dialog for TypePath {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let title = self.question.title.clone();
        match self.looking.poll() {
            Some(Ok(Found::Fits(path))) => {
                kit::close_dialog(ctx, &title);
                self.question.tell(Some(path));
                return Stay::Closed;
            }
            Some(Ok(Found::Taken(path))) => {
                self.error = Some(format!(
                    "{} is there already. Type another name, or replace it.",
                    path.display()
                ));
                self.replace = Some(path);
            }
            Some(Err(refusal)) => self.error = Some(refusal.message),
            None => {}
        }
        let act = match (self.question.purpose, &self.replace) {
            (Purpose::Save, None) => "Save",
            (Purpose::Save, Some(_)) => "Replace",
            (Purpose::Open, _) => "Open",
            (Purpose::Folder, _) => "Choose",
        };
        let empty = self.typed.trim().is_empty();
        let shown = kit::form_dialog(&title, act)
            .errors(usize::from(self.error.is_some()))
            .working(self.looking.is_running())
            .disabled_because(empty.then_some("Type the path first"))
            .show(ctx, |ui| self.fields(ui));
        match shown {
            kit::Dialog::Closed => {
                self.question.tell(None);
                return Stay::Closed;
            }
            kit::Dialog::Submitted if !self.looking.is_running() => self.look(cx),
            _ => {}
        }
        Stay::Open
    }
}

fn look(purpose: Purpose, typed: &str, replace: Option<&Path>) -> Result<Found, Refusal> {
    let refuse = |words: String| Err(Refusal::new(Code::InvalidParameterValue, words));
    let path = match typed.strip_prefix("~/") {
        Some(rest) => home().join(rest),
        None => PathBuf::from(typed),
    };
    if !path.is_absolute() {
        let whole = home().join(&path);
        return refuse(format!(
            "{typed} is not a whole path. Type it from the root on, for example {}.",
            whole.display()
        ));
    }
    if purpose == Purpose::Folder {
        return match path.is_dir() {
            true => Ok(Found::Fits(path)),
            false => refuse(format!("There is no folder {}.", path.display())),
        };
    }
    if path.is_dir() {
        let example = path.join("corp-staff.ovpn");
        return refuse(format!(
            "{} is a folder. Add the file's name, for example {}.",
            path.display(),
            example.display()
        ));
    }
    match purpose {
        Purpose::Open if !path.exists() => refuse(format!("There is no file {}.", path.display())),
        Purpose::Save if path.exists() && replace != Some(&path) => Ok(Found::Taken(path)),
        Purpose::Save if !path.parent().is_some_and(Path::is_dir) => {
            let folder = path.parent().unwrap_or(&path);
            refuse(format!(
                "There is no folder {}. Type one that is there, for example {}.",
                folder.display(),
                home().display()
            ))
        }
        _ => Ok(Found::Fits(path)),
    }
}

/// The person's own folder.
fn home() -> PathBuf {
    directories::BaseDirs::new().map_or_else(|| PathBuf::from("/"), |dirs| dirs.home_dir().into())
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::{
        app::testing::{FakeConsole, Window},
        model::{Live, Snapshot},
    };

    fn save(typed: &Path, replace: Option<&Path>) -> Result<Found, Refusal> {
        look(Purpose::Save, &typed.display().to_string(), replace)
    }

    #[test]
    fn a_place_that_will_not_do_is_refused_with_one_that_would() {
        let folder = tempfile::tempdir().unwrap();
        let message = |typed: &str| match look(Purpose::Save, typed, None) {
            Err(refusal) => refusal.message,
            Ok(_) => panic!("{typed} was taken"),
        };
        assert!(message("a.ovpn").contains("not a whole path"));
        assert!(message(&folder.path().display().to_string()).contains("is a folder"));
        assert!(message("/nonexistent/a.ovpn").contains("no folder /nonexistent"));
        let absent = look(Purpose::Open, "/nonexistent/a.pem", None);
        assert!(absent.is_err_and(|r| r.message.contains("no file")));
    }

    #[test]
    fn a_file_that_is_there_is_replaced_only_when_said_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ovpn");
        assert!(matches!(save(&path, None), Ok(Found::Fits(_))));
        std::fs::write(&path, "old").unwrap();
        assert!(matches!(save(&path, None), Ok(Found::Taken(_))));
        assert!(matches!(save(&path, Some(&path)), Ok(Found::Fits(_))));
    }

    #[test]
    fn what_is_typed_is_the_answer_and_esc_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ovpn");
        for wanted in [Some(path.clone()), None] {
            let mut window = Window::open(FakeConsole::new(Snapshot::default(), Live::default()));
            let (question, mut answer) = Question::new("Save it", Purpose::Save, path.clone());
            window.files.ask_in_window(question);
            window.settle();
            window.harness.get_by_label("File");
            match wanted {
                Some(_) => window.press("Save"),
                None => window.press("Cancel"),
            }
            assert_eq!(answer.try_recv().unwrap(), wanted);
            assert!(window.harness.query_by_label("File").is_none());
        }
    }
}

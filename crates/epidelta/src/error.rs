//! What can go wrong, told so that the reader can mend it: which file and where
//! in it, what was expected, what was found, what to do.

use std::{fmt, io, path::PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Where in a file something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A line of a text file, counted from 1.
    Line(u64),
    /// A record of a binary file (BAM, CRAM), counted from 1.
    Record(u64),
    /// A row of a table without lines (Parquet), counted from 1.
    Row(usize),
    /// A column, by its name.
    Column(String),
    /// A gene, by its id.
    Gene(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File => Ok(()),
            Place::Line(line) => write!(f, ", line {line}"),
            Place::Record(record) => write!(f, ", record {record}"),
            Place::Row(row) => write!(f, ", row {row}"),
            Place::Column(name) => write!(f, ", column {name:?}"),
            Place::Gene(id) => write!(f, ", gene {id}"),
        }
    }
}

/// What is wrong with a file's content.
#[derive(Debug)]
pub struct Content {
    /// The file.
    pub path: PathBuf,
    /// Where in the file.
    pub place: Place,
    /// What the format asks for.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// What the user can do.
    pub remedy: String,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Content {
            path,
            place,
            expected,
            found,
            remedy,
        } = self;
        let path = path.display();
        write!(
            f,
            "{path}{place}: expected {expected}, found {found}. {remedy}"
        )
    }
}

/// A size in words: 312 bytes, 4.2 kB, 1.3 GB.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} bytes");
    }
    let mut size = count as f64;
    let mut unit = "";
    for name in UNITS {
        if size < 1000.0 {
            break;
        }
        (size, unit) = (size / 1000.0, name);
    }
    format!("{size:.1} {unit}")
}

/// Everything that can go wrong between a user's files and a finished run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done: "read", "write", "create".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// There is no room for a file.
    #[error(
        "cannot write {}: it takes {}{}. Make room there, or choose another output path",
        path.display(),
        bytes(*needed),
        available.map_or(String::new(), |free| format!(" and its disk has {} free", bytes(free)))
    )]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// Its size as far as it is known, bytes.
        needed: u64,
        /// What is free on its disk, bytes, where that can be told. It may be more than
        /// needed where a quota is used up.
        available: Option<u64>,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file's content is not what its format asks for.
    #[error("{0}")]
    Content(Box<Content>),
    /// Files that are each sound do not fit together, or do not fit the task.
    #[error("{problem}. {remedy}")]
    Data {
        /// What does not fit.
        problem: String,
        /// What the user can do.
        remedy: String,
    },
    /// A setting is unknown or out of its range.
    #[error("setting {setting}: {problem}. {remedy}")]
    Setting {
        /// The setting's dotted name, as in `training.learning_rate`.
        setting: String,
        /// What is wrong with it.
        problem: String,
        /// What the user can do.
        remedy: String,
    },
    /// An output would overwrite something that is already there.
    #[error("{} already exists. Choose another output path, or give --force to replace it", path.display())]
    Exists {
        /// The path that is taken.
        path: PathBuf,
    },
    /// Something with many parts cannot be done, for every reason that was found.
    #[error("{what}:\n- {}", problems.join("\n- "))]
    Many {
        /// What cannot be done.
        what: String,
        /// The reasons.
        problems: Vec<String>,
    },
    /// A training was asked to stop, and keeps its state in a checkpoint.
    #[error("the training was interrupted; it goes on where it was with --resume")]
    Interrupted,
    /// Training met a loss or gradient that is not a finite number.
    #[error("training stopped: {quantity} is not finite {place}. {remedy}")]
    NotFinite {
        /// What was not finite: "the loss", "the gradient of ...".
        quantity: String,
        /// When: "in epoch 3, batch 7 (first gene ...)".
        place: String,
        /// The likely cause and what to do.
        remedy: String,
    },
}

impl Error {
    /// Wraps an operating-system error with the file and the action.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    /// A file whose content breaks its format.
    pub fn content(
        path: impl Into<PathBuf>,
        place: Place,
        expected: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Error::Content(Box::new(Content {
            path: path.into(),
            place,
            expected: expected.into(),
            found: found.into(),
            remedy: remedy.into(),
        }))
    }

    /// The error with its causes, on one line where its parts are.
    pub fn in_full(&self) -> String {
        fn of(error: &dyn std::error::Error) -> String {
            match error.source() {
                Some(source) => format!("{error}: {}", of(source)),
                None => error.to_string(),
            }
        }
        of(self)
    }

    /// All of the problems of something with many parts; one alone is told as it is.
    pub fn all(what: impl Into<String>, mut errors: Vec<Error>) -> Self {
        if errors.len() == 1 {
            return errors.remove(0);
        }
        Error::Many {
            what: what.into(),
            problems: errors.iter().flat_map(Error::problems).collect(),
        }
    }

    /// Every problem that it tells of.
    pub fn problems(&self) -> Vec<String> {
        match self {
            Error::Many { problems, .. } => problems.clone(),
            _ => vec![self.in_full()],
        }
    }

    /// Data that do not fit together.
    pub fn data(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Error::Data {
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// A setting that is unknown or out of range.
    pub fn setting(
        setting: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Error::Setting {
            setting: setting.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

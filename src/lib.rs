//! runsheet walks an operator through an operations playbook.
//!
//! A playbook is read and checked into a [`Plan`](playbook::plan::Plan). The [`Engine`](engine::Engine) says what may happen
//! next in a run of it; it is pure. The [`Session`](session::Session) asks it, writes its records down and syncs, has the effects carried
//! out, and shows everything to a front. The run is the fold of its records: resume, screen and report read the same ones.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`playbook`] | YAML in; a checked plan, or all its faults, out. Pure |
//! | [`engine`] | what may happen next, and what follows from what did. Pure |
//! | [`journal`] | the records of a run on disk, hash-chained; run folders and locks |
//! | [`exec`] | effects to the world: children, files, servers; and the dry run |
//! | [`signature`] | what somebody signs with a key, and whether a signature is good |
//! | [`secret`] | secrets: the type, the vault, masking, generation |
//! | [`output`] | foreign text made visible, kept for scrolling, copied |
//! | [`session`] | the loop where engine, journal, world and front meet; the host that a run lives in, and its clients |
//! | [`front`] | full screen, plain lines, unattended |
//! | [`notify`] | others are told of a run, who can never hold it up |
//! | [`words`] | what all of them say, in one place |
//! | [`audit`] | the record of a run held against itself: what of it is proved |
//! | [`report`] | the checklist of a playbook, the report of a run as Markdown, HTML and JSON |
//! | [`ending`] | why the program stops, with the one list of exit statuses |
//! | [`cli`] | the command line's words and help |
//! | [`app`] | puts it all together; modes are chosen here only |
//!
//! Who may use whom is a table in `tests/architecture.rs`.

pub mod app;
pub mod audit;
pub mod cli;
pub mod ending;
pub mod engine;
pub mod exec;
pub mod front;
pub mod journal;
pub mod notify;
pub mod output;
pub mod playbook;
pub mod report;
pub mod secret;
pub mod session;
pub mod signature;
pub mod words;

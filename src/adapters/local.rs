//! This machine as the cloud: tables in one redb file, a directory as log account, a queue within
//! the process, the system's clock. Must not know Azure, nor what is kept in the rows.

pub mod clock;
pub mod directory;
pub mod queue;
pub mod table;

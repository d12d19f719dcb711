//! What a script is told once a cluster serves.

use std::io;
use std::path::Path;

use blumfeld_kernel::Endpoint;
use serde_json::json;

/// Where the brokers listen, by id.
#[derive(Debug)]
pub struct Ready {
    brokers: Vec<(i32, Endpoint)>,
}

impl Ready {
    /// That they listen there.
    pub fn new<'a>(brokers: impl Iterator<Item = (i32, &'a Endpoint)>) -> Ready {
        Ready { brokers: brokers.map(|(id, at)| (id, at.clone())).collect() }
    }

    /// What a client takes as `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        let brokers: Vec<String> = self.brokers.iter().map(|(_, at)| at.to_string()).collect();
        brokers.join(",")
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        let brokers: Vec<_> = (self.brokers.iter())
            .map(|(id, at)| json!({ "id": id, "host": &*at.host, "port": at.port }))
            .collect();
        json!({ "bootstrapServers": self.bootstrap_servers(), "brokers": brokers }).to_string()
    }

    /// Writes that line to a file, which is there at one stroke.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".part");
        std::fs::write(&beside, format!("{}\n", self.json()))?;
        std::fs::rename(beside, path)
    }
}

//! A broker is registered and stands for controller (`KafkaController.elect`,
//! `KafkaZkClient.registerControllerAndIncrementControllerEpoch`).

use blumfeld_kernel::Context;

use crate::client::Client;
use crate::jute::{Code, Create, CreateMode, Op, OpResult, Request, Response};
use crate::znodes;

use super::{Controller, Milestones, Outcome, Work};

impl Controller {
    pub(super) fn start_election(&mut self, cx: &mut Context<'_>, work: &Work) -> Vec<Request> {
        let get = |path: &str| Request::GetData { path: path.to_owned(), watch: path == znodes::CONTROLLER };
        match work {
            Work::CreatePaths => (znodes::PERSISTENT.iter())
                .map(|path| Request::Create(Create::new(*path, None, CreateMode::Persistent)))
                .collect(),
            // Made empty and written at once, for the answer to a write has the czxid (`CheckedEphemeral`).
            Work::RegisterBroker => {
                let path = znodes::broker_id(self.config.id);
                let data = Some(znodes::encode_broker(&self.config.listener, cx.unix_ms()));
                vec![Request::Multi(vec![
                    Op::Create(Create::new(path.clone(), None, CreateMode::Ephemeral)),
                    Op::SetData { path, data, version: 0 },
                ])]
            }
            Work::ReadRegistration => vec![get(&znodes::broker_id(self.config.id))],
            Work::WatchController => {
                vec![Request::Exists { path: znodes::CONTROLLER.to_owned(), watch: true }]
            }
            Work::ReadController { .. } => vec![get(znodes::CONTROLLER)],
            Work::ReadEpoch => vec![get(znodes::CONTROLLER_EPOCH)],
            Work::CreateEpoch => {
                let data = Some(znodes::encode_epoch(0));
                vec![Request::Create(Create::new(znodes::CONTROLLER_EPOCH, data, CreateMode::Persistent))]
            }
            Work::Claim { epoch, version } => {
                let data = Some(znodes::encode_controller(self.config.id, cx.unix_ms()));
                vec![Request::Multi(vec![
                    Op::Create(Create::new(znodes::CONTROLLER, data, CreateMode::Ephemeral)),
                    Op::SetData {
                        path: znodes::CONTROLLER_EPOCH.to_owned(),
                        data: Some(znodes::encode_epoch(epoch.saturating_add(1))),
                        version: *version,
                    },
                ])]
            }
            Work::CheckClaim { .. } => vec![get(znodes::CONTROLLER), get(znodes::CONTROLLER_EPOCH)],
            _ => Vec::new(),
        }
    }

    pub(super) fn finish_election(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client<crate::Asked>,
        work: Work,
        answers: Vec<Outcome>,
    ) {
        let mut answers = answers.into_iter();
        let answer = answers.next().unwrap_or(Err(Code::SystemError));
        match work {
            Work::CreatePaths => self.has_paths = true,
            Work::RegisterBroker => match multi(answer) {
                Ok(results) => {
                    if let Some(OpResult::SetData { stat }) = results.last() {
                        self.broker_epoch = stat.czxid;
                    }
                }
                Err(Code::NodeExists) => self.first([Work::ReadRegistration]),
                Err(_) => self.register_later(cx),
            },
            Work::ReadRegistration => match answer {
                Ok(Response::GetData { stat, .. }) if stat.ephemeral_owner == client.session() => {
                    self.broker_epoch = stat.czxid;
                }
                Err(Code::NoNode) => self.first([Work::RegisterBroker]),
                // An earlier session of this broker, or another broker with its id.
                _ => self.register_later(cx),
            },
            Work::ReadController { elect } => {
                let was_active = self.is_active();
                self.active_id = match answer {
                    Ok(Response::GetData { data, .. }) => {
                        znodes::decode_controller(data.as_ref()).unwrap_or(-1)
                    }
                    _ => -1,
                };
                if was_active && !self.is_active() {
                    self.resign(cx);
                }
                if elect && self.active_id == -1 {
                    self.first([Work::ReadEpoch]);
                }
            }
            Work::ReadEpoch => match answer {
                Ok(Response::GetData { data, stat }) => {
                    let epoch = znodes::decode_epoch(data.as_ref()).unwrap_or(0);
                    self.first([Work::Claim { epoch, version: stat.version }]);
                }
                _ => self.first([Work::CreateEpoch]),
            },
            Work::CreateEpoch => match answer {
                Ok(_) => self.first([Work::Claim { epoch: 0, version: 0 }]),
                Err(_) => self.first([Work::ReadEpoch]),
            },
            Work::Claim { epoch, version } => match multi(answer) {
                Ok(_) => self.elected(cx, epoch + 1, version + 1),
                Err(_) => self.first([Work::CheckClaim { epoch: epoch.saturating_add(1) }]),
            },
            Work::CheckClaim { epoch } => {
                let id = match answer {
                    Ok(Response::GetData { data, .. }) => znodes::decode_controller(data.as_ref()),
                    _ => None,
                };
                match answers.next() {
                    Some(Ok(Response::GetData { data, stat }))
                        if id == Some(self.config.id)
                            && znodes::decode_epoch(data.as_ref()) == Some(epoch) =>
                    {
                        self.elected(cx, epoch, stat.version);
                    }
                    // Somebody was faster. Should that one be gone already, the watch tells (`maybeResign`).
                    _ => self.first([Work::WatchController, Work::ReadController { elect: false }]),
                }
            }
            _ => {}
        }
    }

    fn register_later(&mut self, cx: &Context<'_>) {
        self.works.clear();
        self.register_again_at = Some(cx.now + self.config.registration_retry);
    }

    fn elected(&mut self, cx: &mut Context<'_>, epoch: i32, epoch_zk_version: i32) {
        self.resign(cx);
        (self.epoch, self.epoch_zk_version) = (epoch, epoch_zk_version);
        self.active_id = self.config.id;
        self.milestones = Milestones { elected: Some(cx.now), ..Milestones::default() };
        self.first([
            Work::WatchRequests,
            Work::ListLogDirEvents,
            Work::ListIsrChanges { drop_all: true },
            Work::ListBrokers { failover: true },
        ]);
    }
}

/// The results of a multi, or the error of the operation that failed.
fn multi(answer: Outcome) -> Result<Vec<OpResult>, Code> {
    let Response::Multi(results) = answer? else { return Err(Code::SystemError) };
    let failed = results.iter().find_map(|result| match result {
        OpResult::Error { err } if *err != 0 => Some(Code::of(*err).unwrap_or(Code::SystemError)),
        _ => None,
    });
    match failed {
        Some(code) => Err(code),
        None => Ok(results),
    }
}

//! A resource with a policy, on a runtime whose time is moved by hand.

use std::time::Duration;

use nebula_resource::autoscale::AutoscalePolicy;
use nebula_resource::events::Subscription;
use nebula_resource::runtime::Manual;
use nebula_resource::{Filter, Handle, ManagedGuard, Manager, Scope};

use crate::listen::heard;
use crate::world::{Db, DbConfig, everybody, small};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct Stage {
    pub(crate) runtime: Manual,
    pub(crate) manager: Manager,
    pub(crate) db: Db,
    pub(crate) handle: Handle<Db>,
    pub(crate) heard: Subscription,
}

impl Stage {
    pub(crate) fn set(size: usize, policy: AutoscalePolicy) -> Self {
        let runtime = Manual::new();
        let manager = Manager::builder().runtime(runtime.clone()).build();
        let db = Db::new();
        let registration = manager.register("db", db.clone(), DbConfig::new("one"));
        let handle = registration.pool(small(size)).autoscale(policy).wait();
        let heard = manager.events().subscribe_to(Filter::all(), 1 << 16);
        Self {
            handle: handle.unwrap(),
            runtime,
            manager,
            db,
            heard,
        }
    }

    pub(crate) fn take(&self, count: usize) -> Vec<ManagedGuard<'static, Db>> {
        let one = |_| {
            let ctx = everybody();
            let got = self.runtime.run(self.manager.acquire::<Db>("db", &ctx));
            got.unwrap()
        };
        (0..count).map(one).collect()
    }

    pub(crate) fn limit(&self) -> usize {
        self.handle.status().max_size
    }

    /// What was told of its size.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let lines = heard(&mut self.heard).into_iter();
        lines.filter(|line| line.contains("Scal")).collect()
    }

    pub(crate) fn says(&self) -> String {
        let scaler = self.manager.autoscaler("db", &Scope::GLOBAL);
        scaler.unwrap().recommendation().to_string()
    }
}

//! Both kinds of resource: awaited, and one whose calls block.
//!
//! Each takes its time now and then, so that others run in the middle of it. Knows nothing of managers.

use std::sync::Arc;

use nebula_resource::{BlockingResource, CreateContext, Resource, RetireReason};

use crate::explore::{draw, one_in};
use crate::hall::{Flaw, Hall, Item, Order, Origin};

/// A kind of resource.
pub trait Kind: Resource<Config = Order, Instance = Item> {
    /// Whether making an instance goes on when nobody waits for it any more.
    const GOES_ON: bool;

    /// One whose instances are listed in `hall`.
    fn new(hall: &Arc<Hall>) -> Self;
}

/// One that is awaited.
#[derive(Debug)]
pub struct Awaited(Arc<Hall>);

/// One whose calls block.
#[derive(Debug)]
pub struct Blocked(Arc<Hall>);

async fn dawdle() {
    for _ in 0..draw(3) {
        shuttle::future::yield_now().await;
    }
}

fn dawdle_blocking() {
    for _ in 0..draw(3) {
        shuttle::thread::yield_now();
    }
}

fn make(
    hall: &Arc<Hall>,
    order: &Order,
    context: &CreateContext,
    late: bool,
) -> Result<Item, String> {
    if order.flaw == Some(Flaw::Unmakeable) {
        return Err("nothing can be made of that".to_owned());
    }
    let origin = Origin {
        epoch: order.epoch,
        generation: context.generation(),
        number: order.number,
    };
    Ok(hall.enter(origin, context.scope().to_string(), late))
}

impl Kind for Awaited {
    const GOES_ON: bool = false;

    fn new(hall: &Arc<Hall>) -> Self {
        Self(Arc::clone(hall))
    }
}

impl Resource for Awaited {
    type Config = Order;
    type Instance = Item;
    type Error = String;

    async fn create(&self, order: &Order, context: &CreateContext) -> Result<Item, String> {
        dawdle().await;
        let late = self.0.is_closed();
        let item = make(&self.0, order, context, late)?;
        dawdle().await;
        Ok(item)
    }

    async fn is_valid(&self, item: &mut Item) -> Result<(), String> {
        item.known().handled("is_valid");
        Ok(())
    }

    async fn recycle(&self, item: &mut Item) -> Result<(), String> {
        item.known().handled("recycle");
        Ok(())
    }

    async fn cleanup(&self, item: Item, _why: RetireReason) {
        item.farewell();
        dawdle().await;
        drop(item);
    }
}

impl Kind for Blocked {
    const GOES_ON: bool = true;

    fn new(hall: &Arc<Hall>) -> Self {
        Self(Arc::clone(hall))
    }
}

impl BlockingResource for Blocked {
    type Config = Order;
    type Instance = Item;
    type Error = String;

    fn create(&self, order: &Order, context: &CreateContext) -> Result<Item, String> {
        // Once begun, it cannot be broken off.
        let late = self.0.is_closed();
        dawdle_blocking();
        let item = make(&self.0, order, context, late)?;
        dawdle_blocking();
        Ok(item)
    }

    fn is_valid(&self, item: &mut Item) -> Result<(), String> {
        item.known().handled("is_valid");
        Ok(())
    }

    fn recycle(&self, item: &mut Item) -> Result<(), String> {
        item.known().handled("recycle");
        Ok(())
    }

    fn recycle_blocks(&self) -> bool {
        one_in(2)
    }

    fn cleanup(&self, item: Item, _why: RetireReason) {
        item.farewell();
        dawdle_blocking();
        drop(item);
    }
}

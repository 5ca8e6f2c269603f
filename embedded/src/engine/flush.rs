//! Knows when everything that a connection was given has left for the system: what a response that
//! fails half-way must wait for before it breaks the connection, or its error would be lost in a buffer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use hyper::rt::{Read, ReadBufCursor, Write};

/// How often a connection has been flushed.
#[derive(Debug, Default)]
pub(super) struct Flushes {
    count: AtomicU64,
    waker: AtomicWaker,
}

impl Flushes {
    /// The flushes so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Ready once there were more flushes than `before`.
    pub(super) fn poll_after(&self, before: u64, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        match self.count() > before {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// A connection that counts its flushes. hyper flushes only when its own buffer is empty.
pub(super) struct Flushed<T> {
    inner: T,
    flushes: Arc<Flushes>,
}

impl<T> Flushed<T> {
    /// Counts the flushes of `inner`.
    pub(super) fn new(inner: T, flushes: Arc<Flushes>) -> Self {
        Self { inner, flushes }
    }
}

impl<T: Read + Unpin> Read for Flushed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Flushed<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        if let Poll::Ready(Ok(())) = flushed {
            self.flushes.count.fetch_add(1, Ordering::AcqRel);
            self.flushes.waker.wake();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, data)
    }
}

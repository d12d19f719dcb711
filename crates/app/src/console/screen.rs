//! Draws the console's output. Not with the rest of the page: lines go straight into the document, some each frame, in
//! blocks of which the oldest are taken away. So a hundred thousand lines cost no long task and no memory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Document, Element, HtmlElement, Text};

use crate::format;
use crate::text::fill;

use super::backlog::{Backlog, Ink, LINES_KEPT, PIECE_BYTES, PIECE_LINES, Piece};

/// Lines that one frame draws.
const FRAME_LINES: usize = 600;

/// What the browser calls before it draws.
type Frame = Closure<dyn FnMut()>;

/// A part of the output as it stands in the document.
struct Block {
    element: Element,
    lines: usize,
    bytes: usize,
    last: Option<(Ink, Text)>,
    /// Whether the last thing in it ended its line: only then the next block may begin.
    ended: bool,
}

#[derive(Default)]
struct State {
    backlog: Backlog,
    blocks: VecDeque<Block>,
    lines: usize,
    dropped: u64,
    place: Option<HtmlElement>,
    /// The sentence that says how many lines are gone.
    sentence: &'static str,
    /// Whether the view follows the end.
    follows: bool,
    ended: Option<(u32, i32)>,
}

/// The console's output, shared by those who write to it.
#[derive(Clone, Default)]
pub struct Terminal {
    state: Rc<RefCell<State>>,
    scheduled: Rc<Cell<bool>>,
    /// The frame's callback, made once.
    frame: Rc<RefCell<Option<Frame>>>,
    /// The next command's number.
    next: Rc<Cell<u32>>,
    /// The command that runs. Known here at once, while the page learns it with its next drawing.
    running: Rc<Cell<Option<u32>>>,
    /// Commands that buttons began, with what they wrote to their standard error.
    asides: Rc<RefCell<BTreeMap<u32, String>>>,
    /// Commands that forms began, with all that they wrote.
    deeds: Rc<RefCell<BTreeMap<u32, String>>>,
}

impl PartialEq for Terminal {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.state, &other.state)
    }
}

impl Terminal {
    /// Gives the element into which the output goes, which must have no other children, and the sentence that says how
    /// many lines are gone.
    pub fn attach(&self, place: HtmlElement, sentence: &'static str) {
        let mut state = self.state.borrow_mut();
        state.follows |= state.place.is_none();
        (state.place, state.sentence) = (Some(place), sentence);
        drop(state);
        self.schedule();
    }

    /// Writes.
    pub fn write(&self, ink: Ink, text: &str) {
        self.state.borrow_mut().backlog.push(ink, text);
        self.schedule();
    }

    /// Begins a command: its number, or nothing while another one runs.
    pub fn begin(&self, line: &str) -> Option<u32> {
        if self.running.get().is_some() {
            return None;
        }
        let id = self.next.get() + 1;
        self.next.set(id);
        self.running.set(Some(id));
        self.state.borrow_mut().follows = true;
        self.write(Ink::Prompt, &format!("$ {line}\n"));
        Some(id)
    }

    /// Begins a command that a button stands for: it needs no free console, and its output comes in between.
    pub fn aside(&self, line: &str) -> u32 {
        let id = self.number();
        self.asides.borrow_mut().insert(id, String::new());
        self.write(Ink::Prompt, &format!("$ {line}\n"));
        id
    }

    /// The same for a form, which shows what came of it.
    pub fn deed(&self, line: &str) -> u32 {
        let id = self.number();
        self.deeds.borrow_mut().insert(id, String::new());
        self.write(Ink::Prompt, &format!("$ {line}\n"));
        id
    }

    /// Notes what a command wrote, if a form began it.
    pub fn said(&self, id: u32, text: &str) {
        if let Some(said) = self.deeds.borrow_mut().get_mut(&id) {
            said.push_str(text);
        }
    }

    /// What a command wrote that a form began, once it has ended.
    pub fn done(&self, id: u32) -> Option<String> {
        self.deeds.borrow_mut().remove(&id)
    }

    /// Notes what a command wrote to its standard error, if a button began it.
    pub fn complained(&self, id: u32, text: &str) {
        if let Some(said) = self.asides.borrow_mut().get_mut(&id) {
            said.push_str(text);
        }
    }

    /// What a command that a button began complained of, once it has ended.
    pub fn settled(&self, id: u32) -> Option<String> {
        self.asides.borrow_mut().remove(&id)
    }

    /// A number for a question that is no command.
    pub fn number(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    /// The command that runs.
    pub fn running(&self) -> Option<u32> {
        self.running.get()
    }

    /// Ends a command. The element says so (`data-ended`, `data-exit`) once its output is drawn.
    pub fn end(&self, id: u32, exit: i32) {
        if self.running.get() == Some(id) {
            self.running.set(None);
        }
        self.state.borrow_mut().ended = Some((id, exit));
        self.schedule();
    }

    /// Numbers of lines below this one are in use: by commands of branches of the time line that may live again.
    pub fn number_from(&self, free_line: u32) {
        self.next.set(self.next.get().max(free_line));
    }

    /// So many numbers are used by lines that the engine runs by itself.
    pub fn skip(&self, lines: usize) {
        let lines = u32::try_from(lines).unwrap_or(u32::MAX);
        self.next.set(self.next.get().saturating_add(lines));
    }

    /// Whatever ran is gone, with the engine that ran it.
    pub fn reset(&self) {
        self.running.set(None);
        self.asides.borrow_mut().clear();
        self.deeds.borrow_mut().clear();
    }

    /// Removes all output.
    pub fn clear(&self) {
        let mut state = self.state.borrow_mut();
        state.backlog.clear();
        for block in state.blocks.drain(..) {
            block.element.remove();
        }
        (state.lines, state.dropped) = (0, 0);
        state.follows = true;
        drop(state);
        self.schedule();
    }

    /// Tells that the user scrolled to where `bottom` pixels are below the view.
    pub fn scrolled(&self, bottom: i32) {
        self.state.borrow_mut().follows = bottom < 24;
    }

    /// Goes to the end and follows it.
    pub fn to_end(&self) {
        self.state.borrow_mut().follows = true;
        self.schedule();
    }

    fn schedule(&self) {
        if self.scheduled.replace(true) {
            return;
        }
        let mut frame = self.frame.borrow_mut();
        let callback = frame.get_or_insert_with(|| {
            let this = self.clone();
            Closure::new(move || this.draw())
        });
        let window = web_sys::window();
        if window.and_then(|w| w.request_animation_frame(callback.as_ref().unchecked_ref()).ok()).is_none() {
            self.scheduled.set(false);
        }
    }

    fn draw(&self) {
        self.scheduled.set(false);
        let again = self.state.borrow_mut().draw().is_some_and(|more| more);
        if again {
            self.schedule();
        }
    }
}

impl State {
    /// Draws a frame's share; whether more waits.
    fn draw(&mut self) -> Option<bool> {
        let place = self.place.clone()?;
        let document = place.owner_document()?;
        for piece in self.backlog.take(FRAME_LINES) {
            self.append(&document, &place, &piece);
        }
        self.dropped += self.backlog.take_dropped();
        while self.blocks.len() > 1
            && self.blocks.front().is_some_and(|first| self.lines.saturating_sub(first.lines) >= LINES_KEPT)
        {
            let Some(oldest) = self.blocks.pop_front() else { break };
            oldest.element.remove();
            self.lines -= oldest.lines;
            self.dropped += oldest.lines as u64;
        }
        let _ = place.set_attribute("data-lines", &self.lines.to_string());
        let _ = place.set_attribute("data-dropped", &self.dropped.to_string());
        // Drawn by the style sheet above the lines, so that it is no part of what is selected and copied.
        let _ = match self.dropped {
            0 => place.remove_attribute("data-note"),
            dropped => place.set_attribute("data-note", &fill(self.sentence, &[&format::count(dropped)])),
        };
        if self.follows {
            place.set_scroll_top(i32::MAX);
        }
        let more = !self.backlog.is_empty();
        if let Some((id, exit)) = if more { None } else { self.ended.take() } {
            let _ = place.set_attribute("data-exit", &exit.to_string());
            let _ = place.set_attribute("data-ended", &id.to_string());
        }
        Some(more)
    }

    fn append(&mut self, document: &Document, place: &HtmlElement, piece: &Piece) -> Option<()> {
        let full =
            |block: &Block| (block.lines >= PIECE_LINES && block.ended) || block.bytes >= 4 * PIECE_BYTES;
        if self.blocks.back().is_none_or(full) {
            let element = document.create_element("div").ok()?;
            element.set_class_name("blk");
            place.append_child(&element).ok()?;
            self.blocks.push_back(Block { element, lines: 0, bytes: 0, last: None, ended: true });
        }
        let block = self.blocks.back_mut()?;
        match &block.last {
            Some((ink, text)) if *ink == piece.ink && *ink != Ink::Prompt => {
                text.append_data(&piece.text).ok()?
            }
            _ => {
                let span = document.create_element("span").ok()?;
                span.set_class_name(piece.ink.class());
                let text = document.create_text_node(&piece.text);
                span.append_child(&text).ok()?;
                block.element.append_child(&span).ok()?;
                block.last = Some((piece.ink, text));
            }
        }
        block.lines += piece.lines;
        block.bytes += piece.text.len();
        block.ended = piece.text.ends_with('\n');
        self.lines += piece.lines;
        Some(())
    }
}

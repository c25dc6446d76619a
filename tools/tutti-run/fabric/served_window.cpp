#include "served_window.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "kernels/copy.hpp"

namespace tutti::launcher {

namespace wire = ub::wire;

std::byte* ServedWindow::locate(Rank peer, std::size_t offset, std::size_t bytes) const noexcept {
  if (peer < 0 || peer >= port().roster().ranks()) return nullptr;
  switch (where_) {
    case wire::Where::kControl: {
      const ub::ControlMemory& memory = port().roster().control();
      if (offset > memory.bytes() || bytes > memory.bytes() - offset) return nullptr;
      return memory.segment(peer) + offset;
    }
    case wire::Where::kHeap:
      return memory_of(peer).heap(offset, bytes);
    case wire::Where::kProcess:
      return nullptr;  // nobody has it mapped
  }
  return nullptr;
}

void ServedWindow::check_peer(Rank peer) const {
  if (peer >= 0 && peer < port().roster().ranks()) return;
  fail(tuttiInternalError, "rank {} of {}", peer, port().roster().ranks());
}

void ServedWindow::read_peer(Rank peer, std::uint64_t address, std::span<std::byte> to) const {
  try {
    memory_of(peer).read(address, to);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), {peer});
  }
}

void ServedWindow::view_for(std::span<wire::ViewPiece> pieces) {
  if (in_process()) return view_own(pieces);
  std::vector<View> views;
  views.reserve(pieces.size());
  for (const wire::ViewPiece& piece : pieces) {
    views.push_back(
        {.peer = piece.peer, .offset = piece.offset, .bytes = piece.bytes, .data = nullptr});
  }
  view(std::span(views));
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    pieces[i].reached = views[i].data != nullptr ? 1 : 0;
  }
}

// Of the rank's own memory, which only it has in view.
void ServedWindow::view_own(std::span<wire::ViewPiece> pieces) {
  std::vector<ub::ReadPart> list;
  Parts parts(port(), list);
  for (wire::ViewPiece& piece : pieces) {
    piece.reached = piece.peer == port().rank() ? 1 : 0;
    if (piece.reached != 0) parts.add(piece.peer, piece.bytes);
  }
  port().read(list);
  for (const wire::ViewPiece& piece : pieces) {
    if (piece.reached == 0 || piece.bytes == 0) continue;
    scratch_.resize(std::max<std::size_t>(scratch_.size(), piece.bytes));
    const std::span<std::byte> bytes(scratch_.data(), piece.bytes);
    own().read(piece.offset, bytes);
    note(piece.peer, piece.offset, bytes, nullptr);
  }
}

void ServedWindow::check(const wire::FetchPiece& piece) const {
  check_peer(piece.peer);
  if (in_process() || locate(piece.peer, piece.offset, piece.bytes) != nullptr) return;
  fail_because_of({piece.peer}, tuttiInternalError,
                  "a get of {} bytes at offset {} leaves rank {}'s segment", piece.bytes,
                  piece.offset, piece.peer);
}

void ServedWindow::get_for(std::span<const wire::FetchPiece> pieces) {
  std::vector<ub::ReadPart> list;
  Parts parts(port(), list);
  for (const wire::FetchPiece& piece : pieces) {
    check(piece);
    parts.add(piece.peer, piece.bytes);
  }
  port().read(list);
  // What goes to memory that is not mapped here goes there in few calls of the kernel.
  std::vector<iovec> from, to;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const wire::FetchPiece& piece = pieces[i];
    if (piece.bytes == 0) continue;
    std::byte* const target = own().here(piece.destination, piece.bytes);
    if (port().is_hollow(target)) continue;
    if (in_process()) {
      std::byte* read = target;
      if (read == nullptr) {
        scratch_.resize(std::max<std::size_t>(scratch_.size(), piece.bytes));
        read = scratch_.data();
      }
      read_peer(piece.peer, piece.offset, {read, piece.bytes});
      note(piece.peer, piece.offset, {read, piece.bytes}, nullptr);
      if (target == nullptr) own().write(piece.destination, {read, piece.bytes});
      continue;
    }
    std::byte* const source = locate(piece.peer, piece.offset, piece.bytes);
    if (port().is_hollow(source)) continue;
    const std::byte* const next =
        i + 1 < pieces.size() && pieces[i + 1].bytes > 0
            ? locate(pieces[i + 1].peer, pieces[i + 1].offset, pieces[i + 1].bytes)
            : nullptr;
    // Noted first, so that the copy finds it in the caches.
    note(piece.peer, piece.offset, {source, piece.bytes}, next);
    if (target != nullptr) {
      kernels::copy(target, source, piece.bytes);
    } else {
      from.push_back({source, piece.bytes});
      to.push_back({reinterpret_cast<void*>(piece.destination), piece.bytes});
    }
  }
  own().scatter(from, to);
}

void ServedWindow::put_for(Rank peer, std::span<const wire::PutPiece> pieces) {
  check_peer(peer);
  std::vector<ub::CopyPiece> copies;
  std::vector<iovec> sources;
  copies.reserve(pieces.size());
  std::size_t bytes = 0;
  bool mapped = true;
  for (const wire::PutPiece& piece : pieces) {
    std::byte* const source = own().here(piece.source, piece.bytes);
    mapped = mapped && source != nullptr;
    copies.push_back({.source = source,
                      .destination = writable(peer, piece.offset, piece.bytes),
                      .bytes = piece.bytes});
    sources.push_back({reinterpret_cast<void*>(piece.source), piece.bytes});
    bytes += piece.bytes;
  }
  const bool hollow = leave_out_hollow(peer, copies);
  if (mapped || hollow || bytes == 0) return port().put(peer, copies);
  // Nobody but its process has it in view: taken now.
  std::byte* const taken = port().courier().buffers().take(bytes);
  own().gather(sources, taken);
  for (ub::CopyPiece& copy : copies) copy.source = nullptr;
  port().put(peer, copies, taken);
}

void ServedWindow::commit_for(const wire::Commit& commit) {
  check_peer(commit.peer);
  ub::CopyPiece piece{.bytes = commit.bytes};
  std::byte* taken = nullptr;
  if (commit.source != 0 && commit.bytes > 0) {
    piece.destination = writable(commit.peer, commit.offset, commit.bytes);
    taken = port().courier().buffers().take(commit.bytes);
    own().read(commit.source, {taken, commit.bytes});
  }
  port().put(commit.peer, {&piece, 1}, taken);
}

}  // namespace tutti::launcher

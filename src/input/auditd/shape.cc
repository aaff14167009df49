#include "input/auditd/shape.h"

#include <utility>

#include "base/text.h"
#include "input/auditd/decode.h"
#include "input/auditd/event_columns.h"

namespace postern::input::auditd {
namespace {

// Types and names beyond these are no kernel's: they are worked out each time.
constexpr size_t kMaxTypes = 256;
constexpr size_t kMaxNames = 256;

RecordKind kind_of(std::string_view type) {
  constexpr std::pair<std::string_view, RecordKind> kKinds[] = {
      {"SYSCALL", RecordKind::kSyscall},     {"EXECVE", RecordKind::kExecve},
      {"PATH", RecordKind::kPath},           {"SOCKADDR", RecordKind::kSockaddr},
      {"PROCTITLE", RecordKind::kProctitle}, {"OBJ_PID", RecordKind::kObject},
      {"MMAP", RecordKind::kObject},         {"FD_PAIR", RecordKind::kObject},
      {"IPC", RecordKind::kObject},          {"IPC_SET_PERM", RecordKind::kObject},
      {"BPRM_FCAPS", RecordKind::kObject},   {"CAPSET", RecordKind::kObject},
      {"SOCKETCALL", RecordKind::kObject},
  };
  for (const auto& [name, kind] : kKinds)
    if (name == type) return kind;
  return RecordKind::kDescribes;
}

FieldRole role_of(std::string_view name) {
  constexpr std::pair<std::string_view, FieldRole> kRoles[] = {
      {"type", FieldRole::kHead},    {"node", FieldRole::kHead},        {"arch", FieldRole::kArch},
      {"syscall", FieldRole::kCall}, {"SYSCALL", FieldRole::kCallName}, {"key", FieldRole::kKey},
  };
  for (const auto& [field, role] : kRoles)
    if (field == name) return role;
  return FieldRole::kPlain;
}

}  // namespace

RecordShape::RecordShape(std::string_view type, const Layouts& layouts, bool keeps)
    : log_type_(type),
      type_(type_name(type)),
      kind_(kind_of(type_)),
      layout_(layouts.records),
      event_layout_(layouts.events),
      reads_(layout_ ? layout_->kind(fold(type_)) : nullptr),
      targets_{target("type"), target("serial"), target("node"), target("ARCH"), target("SYSCALL")},
      reads_texts_(layout_ && (reads(layout_->values_slot()) || reads(layout_->text_slot()))),
      text_gate_(reads_    ? reads_->text_gate.get()
                 : layout_ ? layout_->text_gate()
                           : nullptr),
      keeps_(keeps) {}

/// Whether anybody reads a column of such records; -1: of none.
bool RecordShape::reads(int slot) const {
  return slot >= 0 && (!reads_ || reads_->reads[static_cast<size_t>(slot)]);
}

Row::Target RecordShape::target(std::string_view name) const {
  const int slot = layout_ ? layout_->slot(name) : Row::kUnread;
  return reads(slot) ? slot : Row::kUnread;
}

void RecordShape::fill(FieldPlan& plan, std::string_view name) const {
  plan.name.assign(name);
  plan.role = role_of(name);
  plan.is_untrusted = is_untrusted(type_, name);
  plan.column = event_column(kind_, name);
  // By its call the kind of the event is told, whoever reads it.
  plan.for_event =
      event_layout_ && (plan.role == FieldRole::kArch || plan.role == FieldRole::kCall ||
                        reads_event_column(*event_layout_, kind_, plan.column));
  plan.target = target(name);
  plan.is_dynamic = plan.target >= 0 && layout_->fields()[static_cast<size_t>(plan.target)].type ==
                                            data::Type::kDynamic;
  plan.is_asked = row_gate() && row_gate()->asks(plan.target);
  plan.is_noted = plan.for_event || plan.is_asked || plan.role != FieldRole::kPlain;
}

FieldPlan& RecordShape::plan(std::string_view name) {
  if (!keeps_) {
    fill(passing_, name);
    return passing_;
  }
  const uint32_t hash = name_hash(name);
  if (const int at = numbers_.find(name, hash); at >= 0) return *plans_[static_cast<size_t>(at)];
  if (plans_.size() >= kMaxNames) {
    fill(passing_, name);
    return passing_;
  }
  FieldPlan& plan = *plans_.emplace_back(std::make_unique<FieldPlan>());
  fill(plan, name);
  plan.guess = NameGuess(name);
  numbers_.add(plan.name, static_cast<int>(plans_.size() - 1));
  return plan;
}

RecordShape& RecordShapes::of(std::string_view type) {
  // Records follow each other in few orders.
  if (last_ && last_->next_ && last_->next_->log_type_ == type) return *(last_ = last_->next_);
  RecordShape* shape = nullptr;
  if (const int at = numbers_.find(type); at >= 0) {
    shape = shapes_[static_cast<size_t>(at)].get();
  } else {
    const bool keeps = shapes_.size() < kMaxTypes;
    auto made = std::make_unique<RecordShape>(type, layouts_, keeps);
    if (!keeps) return *(passing_ = std::move(made));
    shape = shapes_.emplace_back(std::move(made)).get();
    numbers_.add(std::string(type), static_cast<int>(shapes_.size() - 1));
  }
  if (last_) last_->next_ = shape;
  return *(last_ = shape);
}

}  // namespace postern::input::auditd

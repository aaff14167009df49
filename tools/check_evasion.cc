// Reads captures made to fool a mail sensor and compares what is seen with the truth beside them.
//
//   check_evasion [--at-least N] [FOLDER]   FOLDER holds truth.json and the captures it names;
//   without
//                                           it $POSTERN_SHARED/evidence/mail/evasion
//
// The truth of a capture names envelope, subject, attachment, login, counts; tests/golden/
// mail_evasion.txt names the anomalies that are due. Prints each capture that is read wrongly, and
// "N of M evasions read right". Exit 0; 1 when fewer than --at-least; 77 when there is no truth.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "data/dynamic.h"
#include "tests/support/decoded_rows.h"
#include "tests/support/mail_bodies.h"

namespace {

using postern::data::Dynamic;
using postern::test::Decoded;
using postern::test::TextRow;

const std::vector<std::string> kTables = {"net.flow", "mail.session", "mail.message",
                                          "mail.attachment", "mail.command"};

std::string get(const TextRow& row, const std::string& name) {
  const auto it = row.find(name);
  return it == row.end() ? "" : it->second;
}

bool array_has(const std::string& json, std::string_view value) {
  const auto encoded = postern::data::dynamic_from_json(json);
  if (!encoded) return false;
  const Dynamic d(*encoded);
  for (uint32_t i = 0; i < d.size(); ++i)
    if (d.at(i).as_string() == value) return true;
  return false;
}

class Judge {
 public:
  Judge(Dynamic truth, const Decoded& seen, const std::string& bodies)
      : truth_(truth), seen_(seen), bodies_(bodies) {}

  /// The keys of the truth that do not hold.
  std::string faults() const {
    std::string out;
    for (uint32_t i = 0; i < truth_.size(); ++i)
      if (!holds(truth_.key_at(i), truth_.at(i))) out += " " + std::string(truth_.key_at(i));
    return out;
  }

 private:
  bool any(const char* table, const std::string& field, std::string_view value) const {
    const auto& rows = seen_.rows(table);
    return std::any_of(rows.begin(), rows.end(),
                       [&](const TextRow& r) { return get(r, field) == value; });
  }

  bool any_array(const char* table, const std::string& field, std::string_view value) const {
    const auto& rows = seen_.rows(table);
    return std::any_of(rows.begin(), rows.end(),
                       [&](const TextRow& r) { return array_has(get(r, field), value); });
  }

  bool attachment(std::string_view name) const {
    const Dynamic size = truth_.find("att_size");
    const auto& rows = seen_.rows("mail.attachment");
    return std::any_of(rows.begin(), rows.end(), [&](const TextRow& f) {
      return get(f, "filename") == name && (size.is_null() || get(f, "size") == size.text());
    });
  }

  bool appended(Dynamic list) const {
    const auto& rows = seen_.rows("mail.message");
    for (uint32_t i = 0; i < list.size(); ++i) {
      const Dynamic want = list.at(i);
      if (std::none_of(rows.begin(), rows.end(), [&](const TextRow& m) {
            return get(m, "command") == "APPEND" && get(m, "direction") == "to_server" &&
                   get(m, "mailbox") == want.find("mailbox").as_string() &&
                   get(m, "message_bytes") == want.find("size").text();
          }))
        return false;
    }
    return true;
  }

  bool mails(Dynamic list) const {
    const auto& rows = seen_.rows("mail.message");
    if (rows.size() != list.size()) return false;
    for (uint32_t i = 0; i < list.size(); ++i) {
      const Dynamic want = list.at(i);
      if (get(rows[i], "mailfrom") != want.find("mail_from").as_string()) return false;
      const Dynamic subject = want.find("subject");
      if (!subject.is_null() && get(rows[i], "subject") != subject.as_string()) return false;
      if (!want.find("rejected").is_null() && !get(rows[i], "message_bytes").empty() &&
          get(rows[i], "message_bytes") != "0")
        return false;
    }
    return true;
  }

  bool holds(std::string_view key, Dynamic v) const {
    if (key == "mail_from") return any("mail.message", "mailfrom", v.as_string());
    if (key == "subject") return any("mail.message", "subject", v.as_string());
    if (key == "subject_any")
      return any("mail.message", "subject", v.at(0).as_string()) ||
             any("mail.message", "subject", v.at(1).as_string());
    if (key == "rcpt_count") return any("mail.message", "num_recipients", v.text());
    if (key == "rcpt") {
      for (uint32_t i = 0; i < v.size(); ++i)
        if (!any_array("mail.message", "rcptto", v.at(i).as_string())) return false;
      return true;
    }
    if (key == "body_contains") return bodies_.find(v.as_string()) != std::string::npos;
    if (key == "attachment") return attachment(v.as_string());
    if (key == "auth_user" || key == "imap_user" || key == "pop_user")
      return any("mail.session", "auth_user", v.as_string());
    if (key == "auth_ok") return any("mail.session", "auth_success", "true");
    if (key == "append") return appended(v);
    if (key == "search") return any_array("mail.session", "searches", v.as_string());
    if (key == "fetch_bytes") return any("mail.session", "fetched_bytes", v.text());
    if (key == "retr") return any("mail.session", "num_fetched", v.text());
    if (key == "deleted" || key == "dele") return any("mail.session", "num_deleted", v.text());
    if (key == "mails") return mails(v);
    return key == "note" || key == "att_size";  // att_size goes with attachment
  }

  Dynamic truth_;
  const Decoded& seen_;
  const std::string& bodies_;
};

std::map<std::string, std::vector<std::string>> due_anomalies() {
  std::map<std::string, std::vector<std::string>> out;
  const auto text = postern::read_text_file("tests/golden/mail_evasion.txt");
  if (!text.ok()) return out;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (std::string word; words >> word;)
      out[name].push_back(word);
  }
  return out;
}

/// What is wrong with the reading of one capture, or "".
std::string judge(const std::string& name,
                  Dynamic truth,
                  std::string_view capture,
                  const std::vector<std::string>& due) {
  postern::test::MailBodies bodies;
  const Decoded seen = postern::test::decode_rows(capture, kTables, &bodies);
  std::string faults = Judge(truth, seen, bodies.text).faults();
  for (const std::string& a : due)
    if (seen.num_anomalies(a) == 0) faults += " no-anomaly:" + a;
  if (name.find("_smuggle_") == std::string::npos) return faults;
  // One reply, one mail; what is hidden in it is suspected only.
  const auto& mails = seen.rows("mail.message");
  if (mails.size() != 1) return faults + " number-of-mails";
  if (get(mails[0], "smuggled_mailfrom").empty()) faults += " smuggled_mailfrom";
  return faults;
}

}  // namespace

int main(int argc, char** argv) {
  int at_least = 0;
  std::string folder;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--at-least" && i + 1 < argc) {
      at_least = std::atoi(argv[++i]);
    } else {
      folder = word;
    }
  }
  if (folder.empty()) {
    const char* root = std::getenv("POSTERN_SHARED");
    folder = std::string(root ? root : "../shared") + "/evidence/mail/evasion";
  }
  const auto text = postern::read_text_file(folder + "/truth.json");
  if (!text.ok()) {
    std::printf("skipped: no %s/truth.json\n", folder.c_str());
    return 77;
  }
  const auto encoded = postern::data::dynamic_from_json(*text);
  if (!encoded) {
    std::printf("%s/truth.json is not JSON\n", folder.c_str());
    return 1;
  }
  const Dynamic truth(*encoded);
  const auto due = due_anomalies();
  int right = 0;
  int total = 0;
  for (uint32_t i = 0; i < truth.size(); ++i) {
    const std::string name(truth.key_at(i));
    const auto bytes = postern::FileBytes::open(folder + "/" + name + ".pcap");
    if (!bytes.ok()) continue;
    ++total;
    const auto wanted = due.find(name);
    const std::string faults =
        judge(name, truth.at(i), (*bytes)->view(),
              wanted == due.end() ? std::vector<std::string>() : wanted->second);
    if (faults.empty()) {
      ++right;
    } else {
      std::printf("  %s:%s\n", name.c_str(), faults.c_str());
    }
  }
  std::printf("%d of %d evasions read right\n", right, total);
  return right >= at_least ? 0 : 1;
}

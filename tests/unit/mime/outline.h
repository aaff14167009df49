// What the MIME parser gives, as text and by part, for its tests.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "mime/parser.h"

namespace postern::mime {

/// Writes what a parser gives as lines: "0 text/plain: body".
struct Outline final : Handler {
  void part_begin(const Part& p) override {
    order.push_back(p.index);
    parts[p.index] = p;
  }

  void part_data(const Part& p, std::string_view bytes) override { bodies[p.index] += bytes; }

  void part_other(const Part& p, std::string_view bytes) override { others[p.index] += bytes; }

  void part_end(const Part& p) override {
    ended.push_back(p.index);
    parts[p.index] = p;
  }

  void anomaly(std::string_view name, std::string_view) override { ++anomalies[std::string(name)]; }

  std::string text() const {
    std::string out;
    for (const uint32_t i : order) {
      const Part& p = parts.at(i);
      out += std::string(p.depth * 2, ' ') + p.type;
      if (!p.name.empty()) out += " [" + p.name + "]";
      const auto body = bodies.find(i);
      if (body != bodies.end()) out += ": " + body->second;
      out += "\n";
    }
    return out;
  }

  std::vector<uint32_t> order, ended;
  std::map<uint32_t, Part> parts;
  std::map<uint32_t, std::string> bodies, others;
  std::map<std::string, int> anomalies;
};

inline Outline parse(std::string_view message, size_t step = 1 << 20, Limits limits = {}) {
  Outline o;
  Parser p(o, limits);
  for (size_t at = 0; at < message.size(); at += step)
    p.feed(message.substr(at, step));
  p.finish();
  EXPECT_EQ(o.order.size(), o.ended.size()) << "every part ends";
  return o;
}

}  // namespace postern::mime

#include "lang/strategy/strategy.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/file.h"
#include "lang/kql/kql.h"
#include "lang/strategy/stix.h"

namespace postern::lang::strategy {
namespace {

// A strategy with one analytic, in the shape of a STIX bundle; the order of members is not MITRE's.
std::string bundle(std::string_view channel = "EventCode=3, 22",
                   std::string_view extra_element = "") {
  return R"({"objects":[
  {"x_mitre_platforms":["Windows"],"name":"Analytic 9001","type":"x-mitre-analytic","id":"x-mitre-analytic--a",
   "x_mitre_version":"1.0","description":"Prose.",
   "x_mitre_mutable_elements":[{"description":"Ports \u2013 some","field":"Ports"})" +
         std::string(extra_element) + R"(],
   "x_mitre_log_source_references":[{"channel":")" +
         std::string(channel) + R"(","name":"WinEventLog:Sysmon"}],
   "external_references":[{"external_id":"AN9001","url":"https://example.org/AN9001","source_name":"mitre-attack"}]},
  {"type":"x-mitre-detection-strategy","id":"x-mitre-detection-strategy--s","name":"Mail misuse",
   "x_mitre_analytic_refs":["x-mitre-analytic--a"],
   "external_references":[{"external_id":"DET9001","source_name":"mitre-attack"}]},
  {"type":"attack-pattern","id":"attack-pattern--t","external_references":[{"source_name":"mitre-attack","external_id":"T1071.003"}]},
  {"type":"relationship","relationship_type":"detects","source_ref":"x-mitre-detection-strategy--s","target_ref":"attack-pattern--t"}
]})";
}

constexpr std::string_view kBinding = R"(strategy: DET9001
analytics:
  - analytic: AN9001
    level: high
    requires:
      - { name: "WinEventLog:Sysmon", channel: "EventCode=3, 22", any_of: [{ table: windows.sysmon, event_ids: [3, 22] }] }
    parameters:
      - { name: Ports, type: ints, default: [25, 587], doc: Ports. }
    key: [Host]
    query: |
      T | where Port in (Ports)
)";

struct Outcome {
  std::vector<Analytic> analytics;
  Diagnostics stix;
  Diagnostics binding;

  std::string codes() const {
    std::string out;
    for (const Diagnostics* d : {&stix, &binding})
      for (const Diagnostic& x : d->all())
        out += (out.empty() ? "" : " ") + x.code;
    return out;
  }

  const Diagnostic& first() const {
    return stix.all().empty() ? binding.all().front() : stix.all().front();
  }
};

Outcome run(std::string_view stix,
            std::string_view binding = kBinding,
            std::vector<std::pair<std::string, std::string>> settings = {}) {
  Outcome out;
  ReadOptions options;
  options.bindings.push_back({{"b.yml", binding}, &out.binding});
  options.settings = std::move(settings);
  out.analytics = read({"s.json", stix}, options, out.stix);
  return out;
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out(text);
  const size_t at = out.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? out : out.replace(at, what.size(), with);
}

TEST(Strategy, ABoundAnalyticBecomesAQueryWithItsParameters) {
  const Outcome o = run(bundle());
  ASSERT_EQ(o.codes(), "");
  ASSERT_EQ(o.analytics.size(), 1u);
  const Analytic& a = o.analytics[0];
  EXPECT_EQ(a.info.id, "AN9001");
  EXPECT_EQ(a.info.title, "Mail misuse (Windows)");
  EXPECT_EQ(a.info.language, "strategy");
  EXPECT_EQ(a.info.level, "high");
  EXPECT_EQ(a.info.attack, std::vector<std::string>{"T1071.003"});
  EXPECT_EQ(a.query,
            "declare query_parameters(\n    Ports:dynamic = dynamic([25,587]));\nT | where Port in "
            "(Ports)\n");
  EXPECT_EQ(a.parameters.at("Ports").json(), "[25,587]");
  ASSERT_EQ(a.requirements.size(), 1u);
  EXPECT_EQ(a.requirements[0].name, "WinEventLog:Sysmon EventCode=3, 22");
  EXPECT_EQ(a.requirements[0].sources[0].table, "windows.sysmon");
  EXPECT_EQ(a.requirements[0].sources[0].event_ids, (std::vector<int64_t>{3, 22}));
  EXPECT_EQ(a.key, std::vector<std::string>{"Host"});
  const std::string text = bundle();
  EXPECT_EQ(text.substr(a.span.begin, a.span.end - a.span.begin), "\"AN9001\"");
}

TEST(Strategy, BindingsAloneAreAnalyticsOfTheirOwnFiles) {
  std::string other(kBinding);
  for (const auto& [from, to] : {std::pair{"DET9001", "DET9002"}, {"AN9001", "AN9002"}})
    other.replace(other.find(from), std::string_view(from).size(), to);
  Diagnostics first;
  Diagnostics second;
  Diagnostics all;
  ReadOptions o;
  o.bindings = {{{"one.yml", kBinding}, &first}, {{"two.yml", other}, &second}};
  const std::vector<Analytic> bound = read_bound(o, {}, all);
  ASSERT_EQ(bound.size(), 2u);
  EXPECT_EQ(bound[0].info.id + " " + bound[0].info.path + " " + std::to_string(bound[0].binding),
            "AN9001 one.yml 0");
  EXPECT_EQ(bound[1].info.id + " " + bound[1].info.path + " " + std::to_string(bound[1].binding),
            "AN9002 two.yml 1");
}

TEST(Strategy, SettingsReplaceDefaultsByType) {
  const Outcome o = run(bundle(), kBinding, {{"AN9001.Ports", "25, 2525"}});
  ASSERT_EQ(o.codes(), "");
  EXPECT_EQ(o.analytics[0].parameters.at("Ports").json(), "[25,2525]");
}

TEST(Strategy, AnUnknownSettingIsAnErrorWithAGuess) {
  Outcome o = run(bundle(), kBinding, {{"AN9001.Port", "25"}});
  ASSERT_EQ(o.codes(), "strategy-unknown-parameter");
  EXPECT_EQ(o.first().hint, "did you mean `AN9001.Ports`?");
  o = run(bundle(), kBinding, {{"AN9010.Ports", "25"}});
  EXPECT_EQ(o.codes(), "strategy-unknown-parameter");
  o = run(bundle(), kBinding, {{"Ports", "25"}});
  EXPECT_EQ(o.codes(), "strategy-unknown-parameter");
  o = run(bundle(), kBinding, {{"AN9001.Ports", "smtp"}});
  EXPECT_EQ(o.codes(), "strategy-bad-value");
}

TEST(Strategy, AnAnalyticWithoutABindingIsRefusedByName) {
  const Outcome o =
      run(bundle(),
          "strategy: DET1\nanalytics:\n  - { analytic: AN1, level: low, key: [a], query: T }\n");
  EXPECT_TRUE(o.analytics.empty());
  ASSERT_EQ(o.codes(), "strategy-unbound");
  EXPECT_NE(o.first().message.find("AN9001"), std::string::npos);
}

TEST(Strategy, EveryMutableElementMustBeBoundOrWaived) {
  const std::string stix =
      bundle("EventCode=3, 22", R"(,{"field":"TimeWindow","description":"When."})");
  Outcome o = run(stix);
  EXPECT_TRUE(o.analytics.empty());
  ASSERT_EQ(o.codes(), "strategy-unbound-element");
  EXPECT_EQ(stix.substr(o.first().primary.begin, o.first().primary.end - o.first().primary.begin),
            "\"TimeWindow\"");
  o = run(stix, std::string(kBinding) +
                    "    waived_elements: [{ element: TimeWindow, reason: no clock }]\n");
  EXPECT_EQ(o.codes(), "");
  EXPECT_EQ(o.analytics.size(), 1u);
}

TEST(Strategy, EveryLogSourceMustBeRequiredOrWaived) {
  Outcome o = run(bundle("EventCode=1"));
  EXPECT_TRUE(o.analytics.empty());
  EXPECT_EQ(o.codes(), "strategy-unbound-source strategy-unknown-element");
}

TEST(Strategy, ABindingMayNotTakeOtherEventsThanTheChannelNames) {
  const Outcome o = run(bundle(), replaced(kBinding, "event_ids: [3, 22]", "event_ids: [1]"));
  EXPECT_TRUE(o.analytics.empty());
  EXPECT_EQ(o.codes(), "strategy-source-mismatch");
}

TEST(Strategy, AParameterThatNothingKnowsOrNothingUsesIsAnError) {
  EXPECT_EQ(run(bundle(), replaced(kBinding, "name: Ports", "name: Portz")).codes(),
            "strategy-unbound-element strategy-unknown-element strategy-unused-parameter");
  EXPECT_EQ(run(bundle(), replaced(kBinding, "(Ports)", "(25)")).codes(),
            "strategy-unused-parameter");
  EXPECT_EQ(run(bundle(), replaced(kBinding, "default: [25, 587]", "default: [smtp]")).codes(),
            "strategy-unbound strategy-bad-value");
  EXPECT_EQ(run(bundle(), replaced(kBinding, "type: ints", "type: int")).codes(),
            "strategy-unbound strategy-bad-binding");
  EXPECT_EQ(run(bundle(), replaced(kBinding, "key:", "keyy:")).codes(),
            "strategy-unbound strategy-bad-binding strategy-bad-binding");
}

TEST(Strategy, FaultsOfABindingAreToldOnceForAllStixFiles) {
  Diagnostics binding;
  const std::string text = replaced(kBinding, "level: high", "level: huge");
  for (int i = 0; i < 2; ++i) {
    Diagnostics stix;
    ReadOptions options;
    options.bindings.push_back({{"b.yml", text}, &binding});
    const std::string json = bundle();
    read({"s.json", json}, options, stix);
  }
  EXPECT_EQ(binding.all().size(), 1u);
}

TEST(Strategy, WithdrawnObjectsAreSkipped) {
  EXPECT_TRUE(run(replaced(bundle(), R"("name":"Analytic 9001")",
                           R"("revoked":true,"name":"Analytic 9001")"))
                  .analytics.empty());
  EXPECT_TRUE(run(replaced(bundle(), R"("name":"Mail misuse")",
                           R"("x_mitre_deprecated":true,"name":"Mail misuse")"))
                  .analytics.empty());
}

TEST(Strategy, AnInvalidPredicateIsShownAtItsPlaceWithTheRepair) {
  const std::string json = bundle(
      R"(log stream --predicate 'process\u0049magePath CONTAINS \"curl\" OR \"osascript\"')");
  const Outcome o = run(json);
  ASSERT_FALSE(o.stix.all().empty());
  const Diagnostic& d = o.stix.all()[0];
  EXPECT_EQ(d.code, "strategy-invalid-predicate");
  EXPECT_EQ(d.severity, Severity::kWarning);
  EXPECT_EQ(json.substr(d.primary.begin, d.primary.end - d.primary.begin), R"(\"osascript\")");
  EXPECT_NE(
      d.hint.find(R"(processImagePath CONTAINS "curl" OR processImagePath CONTAINS "osascript")"),
      std::string::npos);
}

TEST(Strategy, RefersToAMissingAnalytic) {
  EXPECT_EQ(run(replaced(bundle(), R"("x-mitre-analytic--a"])",
                         R"("x-mitre-analytic--a","x-mitre-analytic--b"])"))
                .codes(),
            "strategy-missing-analytic");
}

TEST(Strategy, BadJsonIsAnErrorAndNoCrash) {
  EXPECT_EQ(run(R"({"type":"x-mitre-analytic")").codes(), "strategy-bad-json");
  EXPECT_EQ(run("").codes(), "strategy-bad-json");
}

TEST(Strategy, ToldApartByContent) {
  EXPECT_TRUE(recognises({"a.json", bundle()}));
  EXPECT_TRUE(recognises({"a.txt", R"([{"type":"x-mitre-detection-strategy"}])"}));
  EXPECT_FALSE(recognises({"a.json", R"({"type":"bundle"})"}));
  EXPECT_TRUE(is_binding({"a.yml", kBinding}));
  EXPECT_FALSE(is_binding({"a.yml", "title: x\ndetection:\n  strategy: y\n"}));
}

TEST(EventCodes, AreReadFromTheUsualForms) {
  EXPECT_EQ(event_codes("EventCode=3, 22"), (std::vector<int64_t>{3, 22}));
  EXPECT_EQ(event_codes("EventCode=13, EventCode=14"), (std::vector<int64_t>{13, 14}));
  EXPECT_TRUE(event_codes("execve, open").empty());
  EXPECT_TRUE(event_codes("").empty());
}

// The published object and the binding that ships.
class Det0135 : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("POSTERN_SHARED");
    const std::string path =
        std::string(shared ? shared : "../shared") + "/seeds/rules/attack-DET0135-T1071.003.json";
    const Result<std::string> text = read_text_file(path);
    if (!text) GTEST_SKIP() << "needs " << path;
    json_ = *text;
    binding_ = *read_text_file("rules/strategies/DET0135.yml");
  }

  std::string json_;
  std::string binding_;
};

TEST_F(Det0135, BindsAllFourAnalyticsWithAllNineElements) {
  const Outcome o = run(json_, binding_);
  for (const Diagnostic& d : o.binding.all())
    ADD_FAILURE() << d.message;
  ASSERT_EQ(o.codes(), "strategy-invalid-predicate");
  ASSERT_EQ(o.analytics.size(), 4u);
  for (const Analytic& a : o.analytics)
    EXPECT_EQ(a.info.attack, std::vector<std::string>{"T1071.003"});
  const Diagnostic& d = o.stix.all()[0];
  EXPECT_EQ(json_.substr(d.primary.begin, d.primary.end - d.primary.begin), R"(\"osascript\")");
}

TEST_F(Det0135, EveryQueryIsReadByTheKqlFrontEnd) {
  const Outcome o = run(json_, binding_, {{"AN0380.TransferSizeThreshold", "5MB"}});
  for (const Analytic& a : o.analytics) {
    Diagnostics diag;
    kql::ReadOptions options;
    options.parameters = a.parameters;
    const Source source{a.info.id, a.query};
    EXPECT_TRUE(kql::read_query(source, options, diag)) << a.info.id;
    for (const Diagnostic& d : diag.all())
      ADD_FAILURE() << render(source, d);
  }
  EXPECT_EQ(o.analytics[1].parameters.at("TransferSizeThreshold").as_int(), 5'000'000);
}

// Another document with the same content: lists under other names, escapes written differently.
TEST_F(Det0135, ARenamedCopyWithOtherEscapesGivesTheSame) {
  std::string copy = replaced(json_, "\"analytics\"", "\"things\"");
  copy = replaced(copy, R"(OR \"osascript\")", R"(OR \u0022osascript\u0022)");
  const Outcome o = run(copy, binding_);
  ASSERT_EQ(o.codes(), "strategy-invalid-predicate");
  EXPECT_EQ(o.analytics.size(), 4u);
  const Diagnostic& d = o.stix.all()[0];
  EXPECT_EQ(copy.substr(d.primary.begin, d.primary.end - d.primary.begin),
            R"(\u0022osascript\u0022)");
}

}  // namespace
}  // namespace postern::lang::strategy

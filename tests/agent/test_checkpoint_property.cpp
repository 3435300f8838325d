// Random attempts, writes, kills, crashes of any step and zombies, judged by two properties: whatever is restored was
// once committed as it is, by an attempt that was not fenced off; and nothing committed is ever gone back behind.
#include <set>

#include "agent/checkpoint_world.hpp"
#include "base/random.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr int kSteps = 120;
constexpr std::size_t kMaxZombies = 3;
constexpr const char* kHalf = "half of a file";

class Story {
 public:
  explicit Story(std::uint64_t seed) : random_(seed) {
    world_.store.before = [this](std::string_view, const std::string&) { return trouble_now(); };
    world_.store.after = [this](std::string_view, const std::string&) { return trouble_now(); };
  }

  void run() {
    begin_attempt();
    for (int i = 0; i < kSteps; ++i) {
      switch (roll(10)) {
        case 0:
          lose_instance();
          break;
        case 1:
          end_program();
          break;
        case 2:
          trouble_ = roll(3) == 0 ? 10 : 0;
          break;
        case 3:
        case 4:
          zombies_act();
          break;
        default:
          act(*current_);
          break;
      }
    }
    lose_instance();
  }

  std::size_t restores = 0;
  std::size_t commits = 0;

 private:
  std::uint64_t roll(std::uint64_t sides) { return random_.next() % sides; }
  std::optional<Error> trouble_now() {
    if (trouble_ == 0 || roll(trouble_) != 0) return std::nullopt;
    return Error{Kind::try_again, "the store has a bad day"};
  }

  // Changes the directory, and then lets the attempt do what it does.
  void act(Attempt& attempt) {
    for (auto changes = roll(4); changes > 0; --changes) change(attempt);
    for (auto steps = roll(4); steps > 0; --steps) note(attempt, attempt.step(milliseconds{roll(900)}));
  }

  void change(Attempt& attempt) {
    const auto path = fmt::format("{}f{}", roll(3) == 0 ? "d/" : "", roll(5));
    const auto bytes = fmt::format("{} of {} {}", path, attempt.dir.filename().string(), ++written_);
    switch (roll(6)) {
      case 0:
        fs::remove(attempt.dir / path);
        break;
      case 1:
        attempt.link(path, fmt::format("{}f{}", path.starts_with("d/") ? "../" : "d/", roll(5)));
        break;
      case 2:
        // Over a link the program writes to what that leads to, perhaps nothing: not in these stories.
        if (fs::is_symlink(attempt.dir / path)) break;
        attempt.write(path, bytes);
        break;
      default:
        attempt.rename_in(path, bytes);
        break;
    }
  }

  // A commit is what the directory is at that moment: nobody else writes in these stories.
  void note(Attempt& attempt, const std::vector<CheckpointEvent>& events) {
    for (const auto& event : events) {
      const auto* committed = std::get_if<CheckpointCommitted>(&event);
      if (committed == nullptr) continue;
      CHECK_MESSAGE(&attempt == current_.get(), "a zombie says that it committed");
      CHECK_MESSAGE(committed->id > newest_, "commits only go forward");
      newest_ = committed->id;
      ++commits;
    }
    // What may have been committed though its answer was lost counts too, but as a state that was. A zombie's do not.
    if (&attempt == current_.get()) states_.insert(attempt.files());
  }

  void zombies_act() {
    for (auto& zombie : zombies_) act(*zombie);
  }

  void end_program() {
    const bool signalled = roll(2) == 0;
    const auto path = fmt::format("f{}", roll(5));
    if (signalled && roll(2) == 0 && !fs::is_symlink(current_->dir / path)) current_->write(path, kHalf);
    const auto flushed = current_->flush(signalled);
    note(*current_, flushed.events);
    lose_instance();
  }

  // Its instance is gone for good, or only for us, and it goes on as a zombie.
  void lose_instance() {
    if (roll(2) == 0) zombies_.push_back(std::move(current_));
    if (zombies_.size() > kMaxZombies) zombies_.erase(zombies_.begin());
    current_.reset();
    begin_attempt();
  }

  void begin_attempt() {
    const auto trouble = std::exchange(trouble_, 0);
    current_ = std::make_unique<Attempt>(world_, ++fence_);
    trouble_ = trouble;
    ++restores;
    const auto& restored = current_->restored;
    CHECK(restored.quarantined.empty());
    // At least as new as the last commit that was told of.
    if (newest_.sequence > 0) {
      REQUIRE(restored.generation);
      CHECK(*restored.generation >= newest_);
    }
    if (restored.generation) {
      const auto files = current_->files();
      CHECK_MESSAGE(states_.contains(files), "restored what the directory never was");
      for (const auto& [path, bytes] : files) CHECK_MESSAGE(bytes != kHalf, "restored what was torn by a kill");
      newest_ = *restored.generation;
      if (const auto known = contents_.find(*restored.generation); known != contents_.end()) {
        CHECK(known->second == current_->files());
      }
      contents_[*restored.generation] = current_->files();
    }
    states_.insert(current_->files());
  }

  World world_;
  SeededRandom random_;
  std::uint64_t trouble_ = 0;  // one call in so many fails; 0: none
  std::uint64_t fence_ = 0;
  std::uint64_t written_ = 0;
  std::unique_ptr<Attempt> current_;
  std::vector<std::unique_ptr<Attempt>> zombies_;
  GenerationId newest_;
  std::set<Files> states_;  // that directories were in when something may have been committed
  std::map<GenerationId, Files> contents_;
};

}  // namespace

TEST_CASE("random stories: what is restored was committed, and nothing committed is lost") {
  std::size_t restores = 0, commits = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    story.run();
    restores += story.restores;
    commits += story.commits;
  }
  // The stories must be worth telling.
  CHECK(restores > 250);
  CHECK(commits > 125);
}

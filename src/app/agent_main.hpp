#pragma once

#include <string>

namespace holdfast::app {

// `holdfast agent --directory DIR`: runs one attempt on this instance. Started by the capacity provider, not by people.
int agent_main(const std::string& directory);

}  // namespace holdfast::app

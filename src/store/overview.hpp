// The numbers of ports::Overview, from the tables of the embedded store.
#pragma once

#include "ports/job_store.hpp"

namespace holdfast::store {

class Database;

// Ended jobs, of which there may be very many, are only counted in an index.
Result<ports::Overview> read_overview(Database& database);

}  // namespace holdfast::store

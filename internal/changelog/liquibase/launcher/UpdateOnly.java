import java.util.ArrayList;
import java.util.List;
import liquibase.Scope;
import liquibase.command.CommandStep;
import liquibase.integration.commandline.LiquibaseCommandLine;
import liquibase.servicelocator.ServiceLocator;

/**
 * Liquibase's own command line with one command in it. At each start it
 * describes some fifty commands to its parser, which takes a quarter of a short
 * run; here it finds "update", with "update-sql" for training, and the steps that
 * commands share, and goes its ordinary way.
 */
public final class UpdateOnly implements ServiceLocator {
    private static final String CORE = "liquibase.command.core.";

    private final ServiceLocator all;

    private UpdateOnly(ServiceLocator all) {
        this.all = all;
    }

    @Override
    public int getPriority() {
        return all.getPriority();
    }

    @Override
    public <T> List<T> findInstances(Class<T> type) {
        List<T> found = all.findInstances(type);
        if (type != CommandStep.class) {
            return found;
        }
        List<T> kept = new ArrayList<>();
        for (T step : found) {
            if (needed((CommandStep) step)) {
                kept.add(step);
            }
        }
        return kept;
    }

    /** Steps of extensions and those that commands share stay. */
    private static boolean needed(CommandStep step) {
        String name = step.getClass().getName();
        if (!name.startsWith(CORE) || name.startsWith(CORE + "helpers.")) {
            return true;
        }
        for (String[] names : step.defineCommandNames()) {
            if (names.length > 0 && (names[0].equals("update") || names[0].equals("updateSql"))) {
                return true;
            }
        }
        return false;
    }

    public static void main(String[] args) throws Exception {
        ServiceLocator all = Scope.getCurrentScope().getServiceLocator();
        Scope.child(Scope.Attr.serviceLocator, new UpdateOnly(all), () -> LiquibaseCommandLine.main(args));
    }
}
